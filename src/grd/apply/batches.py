"""Many images, some at a time: what workflow/apply.smk asks for, and what one of its jobs does."""

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
from grd.system.gpu_turns import claim_device

REQUIRED = ("images", "model", "out")
OPTIONAL: dict[str, Any] = {"batch": 20, "options": "", "threads": 1, "device": "auto"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batches:
    """Images in batches, with all that a call says of them."""

    files: list[list[Path]]
    model: Path
    outputs: Outputs
    options: str
    threads: int
    device: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Batches":
        """Batches of a call's configuration; GrdError for entries that are absent, unknown or wrong."""
        for name in REQUIRED:
            if name not in config:
                raise GrdError(f"the call: expected --config {'=… '.join(REQUIRED)}=…, found no {name}; add {name}=…")
        if unknown := sorted(config.keys() - {*REQUIRED, *OPTIONAL}):
            raise GrdError(f"--config: expected {', '.join((*REQUIRED, *OPTIONAL))}, found {unknown[0]}; correct it")
        said = OPTIONAL | dict(config)
        for name in ("batch", "threads"):
            if not isinstance(said[name], int) or said[name] < 1:
                raise GrdError(f"--config {name}: expected a number of at least 1, found {said[name]}; correct it")
        outputs = outputs_of(parse_options(said["options"]), Path(said["out"]))
        files = outputs.without_labels(expand(_named(said["images"])))
        batches = [files[first : first + said["batch"]] for first in range(0, len(files), said["batch"])]
        return cls(batches, find_model(str(said["model"])), outputs, said["options"], said["threads"], said["device"])

    @property
    def images(self) -> list[Path]:
        """All images, batch after batch."""
        return list(chain.from_iterable(self.files))

    def begin(self) -> None:
        """Refuse what would replace files of someone else, and forget batches whose files are gone: they are made again."""
        self.outputs.check_names(self.images, parse_options(self.options).skip_existing)
        for number, files in enumerate(self.files):
            if not all(path.exists() for path in self.written(files)):
                self.done(number).unlink(missing_ok=True)

    def done(self, number: int) -> Path:
        """The file that says that a batch is done."""
        return self.outputs.folder / f"logs/segment_{number}.done"

    def written(self, files: Sequence[Path]) -> list[Path]:
        """Files that are written of some images."""
        return [written for path in files for written in (self.outputs.labels(path), *self.outputs.besides(path))]

    def tables(self) -> list[Path]:
        """Tables of all images, each of its own."""
        return [path for path in self.written(self.images) if path.suffix == TABLE]


def _named(images: Any) -> list[str]:
    """Files, folders and patterns of a list, or of a string with spaces between them or in one of them."""
    if isinstance(images, list):
        return [str(image) for image in images]
    text = str(images)
    return [text] if Path(text).exists() or glob(text) else shlex.split(text)


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
