"""Many images, some at a time: what workflow/apply.smk asks for, and what one of its jobs does."""

import json
import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob
from itertools import chain
from pathlib import Path
from typing import Any

from grd.apply.options import outputs_of, parse_options, settings_of
from grd.apply.outputs import TABLE, Outputs
from grd.apply.segment import segment_files
from grd.apply.shipped import find_model
from grd.errors import GrdError
from grd.reading.paths import expand
from grd.reading.stored import locate
from grd.system.digests import digest_of
from grd.system.files import write_text
from grd.system.gpu_turns import claim_device

REQUIRED = ("images", "model", "out")
OPTIONAL: dict[str, Any] = {"batch": 20, "options": "", "threads": 1, "device": "auto"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batches:
    """Images in batches, with all that a call says of them, and the file in which it notes them."""

    files: list[list[Path]]
    model: Path
    outputs: Outputs
    options: str
    threads: int
    device: str
    noted: Path

    @classmethod
    def of(cls, config: Mapping[str, Any], planned: bool = False) -> "Batches":
        """Batches of a call's configuration; GrdError for entries that are absent, unknown or wrong.

        With `planned` they are those that the same call noted last, whatever images have been added or removed since.
        """
        said = OPTIONAL | {name: value for name, value in config.items() if value not in (None, "", [])}
        for name in REQUIRED:
            if name not in said:
                raise GrdError(f"the call: expected --config {'=… '.join(REQUIRED)}=…, found no {name}; add {name}=…")
        if unknown := sorted(config.keys() - {*REQUIRED, *OPTIONAL}):
            raise GrdError(f"--config: expected {', '.join((*REQUIRED, *OPTIONAL))}, found {unknown[0]}; correct it")
        for name in ("batch", "threads"):
            if type(said[name]) is not int or said[name] < 1:
                raise GrdError(f"--config {name}: expected a number of at least 1, found {said[name]}; correct it")
        for name in (*REQUIRED, "options", "device"):
            _check_text(name, said[name])
        outputs = outputs_of(parse_options(said["options"]), Path(said["out"]))
        noted = outputs.folder / f"logs/images-{digest_of(said)[:16]}.json"
        if planned and noted.exists():
            files = list(map(Path, json.loads(noted.read_text(encoding="utf-8"))))
        else:
            files = outputs.without_labels(expand(_named(said["images"])))
        batches = [files[first : first + said["batch"]] for first in range(0, len(files), said["batch"])]
        return cls(batches, find_model(said["model"]), outputs, said["options"], said["threads"], said["device"], noted)

    @property
    def images(self) -> list[Path]:
        """All images, batch after batch."""
        return list(chain.from_iterable(self.files))

    def begin(self) -> None:
        """Refuse what would replace files of someone else, and forget batches with an image that is not complete, or that changed
        after its labels were made: they run again, and refuse it."""
        self.outputs.check_names(self.images, parse_options(self.options).skip_existing)
        for number, files in enumerate(self.files):
            if not all(self.outputs.is_complete(file) and self.outputs.is_current(file) for file in files):
                self.done(number).unlink(missing_ok=True)

    def note(self) -> None:
        """Note the images for jobs on a cluster, which ask for the batches anew."""
        write_text(self.noted, json.dumps(list(map(str, self.images))) + "\n")

    def done(self, number: int) -> Path:
        """The file that says that a batch is done."""
        return self.outputs.folder / f"logs/segment_{number}.done"

    def written(self, files: Sequence[Path]) -> list[Path]:
        """Files that are written of some images."""
        return [written for path in files for written in (self.outputs.labels(path), *self.outputs.besides(path))]

    def tables(self) -> list[Path]:
        """Tables of all images, each of its own."""
        return [path for path in self.written(self.images) if path.suffix == TABLE]


def _named(images: str | list[str]) -> list[str]:
    """Files, folders and patterns of a list, or of a string with spaces between them or in one of them."""
    if isinstance(images, list):
        return images
    return [images] if Path(images).exists() or glob(images) else shlex.split(images)


def _check_text(name: str, value: Any) -> None:
    """GrdError for anything but a text, or a list of images: Snakemake takes 2024_01 for the number 202401."""
    values = value if name == "images" and isinstance(value, list) else [value]
    if other := [each for each in values if not isinstance(each, str)]:
        remedy = "put ./ in front of it" if name in REQUIRED else "correct it"
        raise GrdError(f"--config {name}: expected text, found {other[0]}, which Snakemake does not take for text; {remedy}")


def files_behind(paths: Sequence[Path]) -> list[Path]:
    """The files in which images lie, without the parts in them."""
    return [locate(path)[0] for path in paths]


def segment_batch(files: Sequence[Path], model: Path, options: str, out: Path, device: str, threads: int) -> None:
    """Segment a batch of images, with a line in the log for each."""
    chosen = parse_options(options)
    outputs = replace(outputs_of(chosen, out), joined=False)
    with claim_device(f"segmenting {len(files)} images", device, threads) as claimed:
        for line in segment_files(files, model, outputs, claimed, settings_of(chosen)):
            log.info("%s", line)
