"""Claims about the design of the experiments: teachers and methods, settings, samples."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from grd.config.catalogue import NETWORKS
from grd.config.parsing import check_name
from grd.project.titles import method_title
from grd.reporting.claims.base import FAILS, HOLDS, NOTHING, UNTESTED, Claim, Evidence, Finding, enumeration


class Count(Claim):
    """Number of different teachers, methods other than GRD, or pairs in the rows of tables."""

    tables: list[str]
    what: Literal["teachers", "methods", "pairs"]
    claimed: int

    def is_constructed(self, evidence: Evidence) -> bool:
        """The rows are the paper's."""
        return True

    def check(self, evidence: Evidence) -> Finding:
        """Count them, and name methods and teachers."""
        names = (key[1].split("-") for key in evidence.numbers if key[0] in self.tables)
        taught = [parts for parts in names if len(parts) > 1]
        found = {
            "teachers": [NETWORKS[teacher].title for _, _, teacher, *_ in taught],
            "methods": [method_title(method) for _, method, *_ in taught if method != "grd"],
            "pairs": [f"{teacher} {network}" for network, _, teacher, *_ in taught],
        }[self.what]
        distinct = list(dict.fromkeys(found))
        text = str(len(distinct)) + ("" if self.what == "pairs" else f": {enumeration(distinct)}")
        return Finding(text, HOLDS if len(distinct) == self.claimed else FAILS)


class Setting(Claim):
    """A setting of a run or of its data set, by its path of keys; with `entries`, the length of a list.

    `released` is its value in the authors' released code.
    """

    dataset: str
    run: str
    path: str
    entries: bool = False
    claimed: int | float | str | list[int | float]
    released: int | float | str | list[int | float] | None = None

    def named_datasets(self) -> Iterable[str]:
        """The data set of the run."""
        return [self.dataset]

    def is_constructed(self, evidence: Evidence) -> bool:
        """A setting is copied from the paper or its released code."""
        return True

    def check(self, evidence: Evidence) -> Finding:
        """Another value contradicts the claim if the released code has it; a scale that trains with it tests nothing."""
        released = evidence.settings is None
        value = self.released if evidence.settings is None else self.value(evidence.settings[self.dataset, self.run])
        if value is None:
            return NOTHING
        text = f"released code: {plain_text(value)}" if released else plain_text(value)
        return Finding(text, HOLDS if value == self.claimed else FAILS if released else UNTESTED)

    def value(self, settings: Any) -> Any:
        """The value among the settings of the run; GrdError for a path that is none of them."""
        for part in self.path.split("."):
            settings = settings[check_name(part, settings, "setting", f"claim '{self.says}'")]
        return len(settings) if self.entries else settings


def plain_text(value: Any) -> str:
    """`0.0001`, `300000`, `544, 544`."""
    if isinstance(value, list):
        return ", ".join(map(plain_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


class Samples(Claim):
    """Number of images or sections in some splits of data sets together, or the size of an image."""

    datasets: list[str]
    quantity: Literal["images", "sections", "size"]
    splits: tuple[Literal["training", "validation", "test"], ...] = ("training", "validation", "test")
    claimed: int | list[int]

    def named_datasets(self) -> Iterable[str]:
        """All of them."""
        return self.datasets

    def is_constructed(self, evidence: Evidence) -> bool:
        """A split that this project lists has the claimed counts from its list; sizes, and splits in archives, are measured."""
        return self.quantity != "size" and all(name in evidence.listed for name in self.datasets)

    def check(self, evidence: Evidence) -> Finding:
        """Every data set must have the claimed amount; twins, which are drawn to the real counts, test nothing."""
        if not all(name in evidence.samples for name in self.datasets):
            return NOTHING
        found = {name: self._amount([evidence.samples[name][split] for split in self.splits]) for name in self.datasets}
        titles = [f"{evidence.titles[name]} {plain_text(value)}" for name, value in found.items()]
        text = ", ".join(titles) if len(found) > 1 else plain_text(next(iter(found.values())))
        if evidence.twins:
            return Finding(text, UNTESTED)
        return Finding(text, HOLDS if all(value == self.claimed for value in found.values()) else FAILS)

    def _amount(self, shapes: Sequence[tuple[int, ...]]) -> int | list[int]:
        """The quantity, from the shapes (n, *spatial) of the splits' labels."""
        match self.quantity:
            case "images":
                return sum(shape[0] for shape in shapes)
            case "sections":
                return sum(shape[0] * shape[1] for shape in shapes)
        return list(shapes[-1][1:])
