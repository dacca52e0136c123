"""Closed models of config/*.yaml: a key that is not a field is refused, with the nearest field that exists.

One merge rule: `datasets:` of a scale is laid over config/datasets.yaml key by key (nested mappings are merged, anything
else is replaced); nothing else is merged.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from grd.errors import GrdError

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Size = tuple[Positive, Positive]
Extent = Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]  # rows, columns, before them sections
Range = tuple[float, float]


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, ten times as fast, where PyYAML has it


class Closed(BaseModel):
    """A mapping with a fixed set of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Fidelity(Closed):
    """Where the paper's equations and its authors' released code differ: which of the two each loss term follows."""

    supervised: Literal["paper", "released"] = "released"
    edges: Literal["paper", "released"] = "released"
    intra_affinity: Literal["paper", "released"] = "released"
    inter_affinity: Literal["paper", "released"] = "paper"
    levels: Literal["paper", "released"] = "paper"


class Config(Closed):
    """config/config.yaml: what to run."""

    scale: str
    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    jobs_per_gpu: Positive = 1
    data: Path = Path("data")
    allow_missing: list[str] = []
    sharing: Literal["table", "teacher", "run"] = "table"
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 10
    fidelity: Fidelity = Fidelity()


class Archive(Closed):
    """One official file of a data set, and how it is known: by a regular expression for names inside it (members of a zip,
    paths in an HDF5 file), by one for its own name, or by both.

    `mirrors` are other addresses, tried in their order after `url`. `example` is a name that `members` matches: users are
    told of it, not of the expression.
    """

    url: str | None = None
    mirrors: list[str] = []
    sha256: str | None = None
    members: str | None = None
    example: str | None = None
    named: str | None = None
    ask: str | None = None

    @property
    def addresses(self) -> list[str]:
        """Where it can be downloaded from, the first to try first."""
        return [*([self.url] if self.url else []), *self.mirrors]


class Augment(Closed):
    """Training augmentation; lengths in pixels, intensities as fractions of the full range.

    `crop` is what the network is given. A volume (sections, rows, columns) is turned, mirrored and deformed within its
    sections, all of them alike, and mirrored across them; `grayscale` takes all sections alike or each by itself.
    """

    crop: Extent
    scale: Range | None = None
    aspect: Range = (0.75, 4 / 3)
    flip: Probability = 0.5
    transpose: Probability = 0
    rotate: Probability = 0
    elastic: Probability = 0
    elastic_alpha: float = 16
    elastic_sigma: float = 4
    grayscale: Probability = 0
    noise: Probability = 0
    noise_std: float = 0.05
    blur: Probability = 0
    intensity: Probability = 0
    cutout: Probability = 0
    cutout_squares: int = 20
    cutout_side: int = 20

    @model_validator(mode="after")
    def _for_images(self) -> Self:
        if len(self.crop) == 3 and (self.scale or self.cutout):
            raise ValueError("scale and cutout are for images; leave them out for volumes")
        return self


class MutexSegmenter(Closed):
    """How affinities of images become instances: mutex watershed, where the foreground comes from, the clean-up.

    `foreground: truth` restricts the partition to the ground truth's foreground (the paper's CVPPP numbers were made so);
    `corner` lets the background be a segment like any other, and drops it afterwards: segments of more than `max_size`
    pixels, and the one that covers pixel (0, 0). `strides` (rows, columns) sample the repulsive pairs; `merge_passes` are
    pairs (largest size in pixels, side of the window in pixels).
    """

    algorithm: Literal["mutex"]
    strides: Size = (5, 5)
    foreground: Literal["truth", "corner"]
    max_size: Positive | None = None
    merge_passes: tuple[Size, ...] = ((5, 5), (20, 11), (50, 11), (300, 21))

    @model_validator(mode="after")
    def _max_size_needs_corner(self) -> Self:
        if self.max_size is not None and self.foreground != "corner":
            raise ValueError("max_size has an effect with `foreground: corner` only; leave it out")
        return self


class WaterzSegmenter(Closed):
    """Fragments per section, agglomerated by the affinity between them up to a threshold on 1 - affinity (higher merges more).

    `scoring` says which affinity: the mean (the paper's code), or the median, which bears noise better.
    `threshold: validation` takes the one of `thresholds` with the lowest VOI on the validation volume.
    """

    algorithm: Literal["waterz"]
    scoring: Literal["mean", "median"] = "mean"
    threshold: Probability | Literal["validation"] = "validation"
    thresholds: Annotated[tuple[Probability, ...], Field(min_length=1)] = tuple(round(0.05 * n, 2) for n in range(1, 20))


class MulticutSegmenter(Closed):
    """The paper's LMC: fragments per section, joined by a multicut; `beta` above 0.5 cuts more."""

    algorithm: Literal["multicut"]
    solver: Literal["kernighan-lin", "greedy-additive", "greedy-fixation", "decomposition", "fusion-moves"] = "kernighan-lin"
    beta: Annotated[float, Field(gt=0, lt=1)] = 0.5


Segmenter = Annotated[MutexSegmenter | WaterzSegmenter | MulticutSegmenter, Field(discriminator="algorithm")]


def as_segmenter(content: Mapping[str, Any]) -> Segmenter:
    """The segmenter that plain values describe."""
    return TypeAdapter(Segmenter).validate_python(content)


class Source(Closed):
    """What decides a data set's samples: its archives, and its split (a file, or lists in an archive).

    `alternatives` are complete sets of other files that can stand in for the archives.
    """

    archives: dict[str, Archive]
    alternatives: list[dict[str, Archive]] = []
    split: Path | Literal["archive"]

    def content(self, addresses: bool = False) -> dict[str, Any]:
        """It as plain values; only with `addresses` with where archives come from, which decides no sample."""
        left_out = set() if addresses else {"url", "mirrors", "ask", "example"}
        excluded: Any = {"archives": {"__all__": left_out}, "alternatives": {"__all__": {"__all__": left_out}}}
        return self.model_dump(mode="json", include=set(Source.model_fields), exclude=excluded)


class Dataset(Source):
    """One data set of config/datasets.yaml.

    `canvas` is what the network is given at evaluation: images are padded to it, volumes cut into tiles of it. `shifts`
    lists, axis by axis, the distances in pixels at which the supervised loss compares embeddings; distillation and
    inference take those up to `reach` (the paper's N). `resolution` is the size of a voxel in nm, for drawing volumes.
    `shape` is that of a sample's image as its archive has it, (H, W), (H, W, 3) or (Z, Y, X), and `counts` says how many
    samples the lists in an archive name, split by split: from these time and space are estimated before the data are there.
    """

    title: str
    cite: str
    licence: str
    page: str
    normalisation: Literal["imagenet", "unit"]
    resolution: tuple[float, float, float] | None = None
    shape: Extent
    counts: dict[Literal["training", "validation", "test"], Positive] = {}
    canvas: Extent
    padding: Literal["reflect", "zero"]
    shifts: tuple[tuple[Positive, ...], ...]
    reach: Positive
    augment: Augment
    segmenters: dict[str, Segmenter] = Field(min_length=1)
    metrics: list[Literal["sbd", "dic", "aji", "f1", "pq", "dice", "voi", "arand"]] = Field(min_length=1)

    @property
    def rank(self) -> int:
        """Spatial axes: 2 for images, 3 for volumes."""
        return len(self.canvas)

    @property
    def predicted_splits(self) -> list[str]:
        """The test split; before it the validation split, where a segmenter takes its threshold from that."""
        tuned = any(getattr(segmenter, "threshold", None) == "validation" for segmenter in self.segmenters.values())
        return ["validation", "test"] if tuned else ["test"]

    @model_validator(mode="after")
    def _one_rank(self) -> Self:
        if not len(self.canvas) == len(self.augment.crop) == len(self.shifts):
            raise ValueError("canvas, augment.crop and shifts need one entry per axis: 2 for images, 3 for volumes")
        if len(self.shape) < self.rank:
            raise ValueError("shape needs one entry per axis: (H, W) or (H, W, 3) for images, (Z, Y, X) for volumes")
        return self

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.split == "archive" and len(self.counts) < 3:
            raise ValueError("`split: archive` needs `counts` of training, validation and test")
        return self


class Training(Closed):
    """How a network is trained; the learning rate is `learning_rate` throughout (constant) or its peak (one_cycle).

    `teacher_iterations` replaces `iterations` for networks that teach; `weights` replaces factors of distillation terms, by
    name, in all methods that have them.
    """

    iterations: Positive
    teacher_iterations: Positive | None = None
    batch_size: Positive = 2
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    schedule: Literal["constant", "one_cycle"] = "constant"
    betas: Range = (0.9, 0.999)
    eps: float = 0.01
    weight_decay: float = 1e-6
    amsgrad: bool = True
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    select: Literal["best", "last"] = "best"
    log_every: Positive = 100
    validate_every: Positive = 1000


class Twin(Closed):
    """Size of a data set's synthetic images (or sections, whose number is the official one), and the seed they are drawn
    with.

    Of volumes also: `magnification` of the neurites' diameters (about 16 pixels), and `drift`, by how much of their radii
    neurites move from one section to the next.
    """

    size: Size
    seed: int = 0
    magnification: Annotated[float, Field(gt=0)] = 1
    drift: Annotated[float, Field(ge=0, le=0.5)] = 0.25


class Scale(Closed):
    """config/scales/*.yaml: on which data, with which networks and how long.

    `volumes` is laid over `training` for data sets of volumes. `threads`, `training_hours` and
    `training_gb` are what a training job asks a cluster for; where it was measured, `training_hours` are the most that it does.
    """

    title: str
    data: Literal["archives", "twins"]
    twins: dict[str, Twin] = {}
    networks: dict[str, dict[str, Any]] = {}
    training: Training
    volumes: dict[str, Any] = {}
    threads: Positive = 4
    training_hours: Annotated[float, Field(gt=0)] = 24
    training_gb: Annotated[float, Field(gt=0)] = 16
    datasets: dict[str, dict[str, Any]] = {}


class RunRow(Closed):
    """One or, with several methods, more runs of config/experiments.yaml; `datasets`: on these instead of the table's.

    `changes` are to the methods' own numbers, by name: the weight of a loss term, or an option like `queue_size`.
    """

    network: str
    teacher: str | None = None
    datasets: list[str] | None = None
    methods: list[str] = ["none"]
    changes: dict[Annotated[str, Field(pattern="^[a-z_]+$")], Annotated[float, Field(ge=0)]] = {}


class Experiment(Closed):
    """A table or figure: its runs, on each of its data sets."""

    datasets: list[str] = Field(min_length=1)
    runs: list[RunRow] = Field(min_length=1)


Model = TypeVar("Model", bound=Closed)


def nearest(word: str, valid: Iterable[str]) -> str:
    """The sentence's end for a wrong word: the closest valid one, or all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(names) or '(none)'}"


def known(word: str, valid: Iterable[str], what: str, where: str) -> str:
    """`word` itself if it is among the valid names; otherwise a GrdError that names the nearest."""
    names = list(valid)
    if word not in names:
        raise GrdError(f"{where}: unknown {what} '{word}'; {nearest(word, names)}")
    return word


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds."""
    try:
        content = yaml.load(path.read_text(), Loader=LOADER)
    except FileNotFoundError:
        raise GrdError(f"{path}: expected a configuration file, found none; restore it from the repository") from None
    except yaml.YAMLError as error:
        raise GrdError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise GrdError(f"{path}: expected a mapping at the top, found {type(content).__name__}")
    return content


def parse(model: type[Model], content: Mapping[str, Any], file: Path | str, under: str = "") -> Model:
    """`content` as a closed model; its first fault as a GrdError naming file, key, value and the nearest valid key."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise GrdError(_fault(model, error.errors()[0], file, under)) from None


def parse_all(model: type[Model], content: Mapping[str, Any], file: Path | str) -> dict[str, Model]:
    """A mapping from names to closed models."""
    return {name: parse(model, _mapping(value, file, name), file, name) for name, value in content.items()}


def _mapping(value: Any, file: Path | str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise GrdError(f"{file}: '{key}' expects a mapping, found {value!r}")
    return value


def _fault(model: type[BaseModel], error: Any, file: Path | str, under: str) -> str:
    location = [part for part in map(str, error["loc"]) if not part.startswith(("constrained-", "literal["))]  # kinds of value
    key = ".".join(([under] if under else []) + location)
    if error["type"] == "extra_forbidden":
        return f"{file}: unknown key '{key}' (value {error['input']!r}); {nearest(location[-1], _fields(model, location))}"
    if error["type"] == "missing":
        return f"{file}: key '{key}' is missing"
    return f"{file}: '{key}' has value {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}"


def _fields(model: type[BaseModel], location: list[str]) -> list[str]:
    """The fields of the innermost model on the way to a faulty key."""
    candidates = [model]
    for part in location[:-1]:
        fields = [field for kind in candidates for name, field in kind.model_fields.items() if name == part]
        if fields:
            candidates = _models(fields[0].annotation) or candidates
        else:  # a name in a mapping, or the tag that says which model of a union is meant
            candidates = [kind for kind in candidates if part in _tags(kind)] or candidates
    return list(candidates[0].model_fields)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("algorithm")
    return get_args(field.annotation) if field else ()


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _models(part)]


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: nested mappings are merged, anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged
