"""The files that are written for each image: labels, and on request overlay, table and outlines."""

import logging
import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from grd.apply.geojson import write_geojson
from grd.apply.label_files import SOFTWARE, ascii_name, last_change, origin_of, write_labels
from grd.apply.measure import join, measure, summary, write_csv
from grd.apply.origin import Origin
from grd.data.ids import consecutive
from grd.errors import GrdError
from grd.reading.axes import SPATIAL, Choice, Frame
from grd.reading.paths import output_name
from grd.reading.stored import locate, readable
from grd.system.files import newest_time

LABELS, ZARR, OVERLAY, TABLE, OUTLINES, ALL = "-labels.tif", "-labels.zarr", "-overlay.png", ".csv", ".geojson", "all-objects.csv"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """Labels of an image or volume, all channels of its image, its place in a stack (axis and name), names of the channels."""

    labels: np.ndarray
    image: Frame
    place: tuple[str, str]
    channels: tuple[str, ...]

    @property
    def pixel_size(self) -> tuple[float, ...] | None:
        """µm per axis, None if the file does not say."""
        sizes = self.image.pixel_size[: self.labels.ndim]
        return sizes if all(sizes) else None


@dataclass
class Outputs:
    """A folder for labels, and what else is wanted there; `joined` asks for one table of all images, too."""

    folder: Path
    overlay: bool = False
    table: bool = False
    outlines: bool = False
    zarr: bool = False
    joined: bool = True
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def labels(self, path: Path) -> Path:
        """The file of an image's labels."""
        return self.folder / f"{output_name(path)}{ZARR if self.zarr else LABELS}"

    def without_labels(self, files: Iterable[Path]) -> list[Path]:
        """Files whose names do not say that this command wrote them; GrdError if none is left."""
        files = list(files)
        kept = [path for path in files if not path.name.endswith((LABELS, ZARR, OVERLAY))]
        for path in files:
            if path not in kept:
                log.warning("%s: left out, since by its name this command wrote it", path)
        if not kept:
            raise GrdError(f"{files[0]}: expected images, found only files that this command wrote; name the images")
        return kept

    def check_names(self, files: Sequence[Path], keep: bool = False) -> None:
        """GrdError if images would share a file of labels, if one's table would be that of all, if the folder is a file or
        cannot be written to, or if something would replace a file of someone else; with `keep` labels that are there stay."""
        first: dict[Path, Path] = {}
        for path in files:
            if (other := first.setdefault(self.labels(path), path)) is not path:
                raise GrdError(
                    f"{path}: expected an image of another name, found {other}, whose labels would be the same file; segment "
                    "them into different folders"
                )
        shared = next((path for path in files if self.table and f"{output_name(path)}{TABLE}" == ALL), None)
        if shared:
            raise GrdError(f"{shared}: expected another name, found that of the table of all images, {ALL}; rename the image")
        if self.folder.exists() and not self.folder.is_dir():
            raise GrdError(f"{self.folder}: expected a folder for label images, found a file; choose another folder")
        there = next(place for place in (self.folder, *self.folder.absolute().parents) if place.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise GrdError(f"{self.folder}: expected permission to write there, found none; choose another folder")
        all_tables = [self.folder / ALL] if self.table and self.joined else []
        written = chain([] if keep else map(self.labels, files), chain.from_iterable(map(self.besides, files)), all_tables)
        if foreign := next((path for path in written if _is_foreign(path)), None):
            corrected = ", or keep it with --skip-existing" if foreign.name.endswith((LABELS, ZARR)) else ""
            raise GrdError(
                f"{foreign}: expected no file, or one as this command wrote it, found another, which would be replaced; move it, "
                f"choose another folder{corrected}"
            )

    def besides(self, path: Path) -> list[Path]:
        """Files that are wanted of an image beside its labels."""
        ends = {OVERLAY: self.overlay, TABLE: self.table, OUTLINES: self.outlines}
        return [self.folder / f"{output_name(path)}{end}" for end, wanted in ends.items() if wanted]

    def check_origin(self, path: Path, choice: Choice, keep: bool = False) -> None:
        """GrdError if labels that are there were made of another image, as far as they say so; if they are to stay (`keep`), also
        for those of another channel or moment."""
        if (found := origin_of(self.labels(path))) is None:
            return
        origin = Origin.of(path, choice, with_values=bool(found.values))
        if found.values != origin.values:
            raise GrdError(
                f"{self.labels(path)}: expected labels of {path}, found those of another image of this name, or of this one "
                "before it changed; delete or move them, or choose another folder"
            )
        if keep and found.image != ascii_name(origin.image):
            raise GrdError(
                f"{self.labels(path)}: expected labels of {origin.image}, found those of {found.image}; say of the file what was "
                "said for these, choose another folder, or leave out --skip-existing"
            )

    def check_outlines(self, path: Path, rank: int, along: str) -> None:
        """GrdError if outlines are wanted of a volume, or of a stack along an axis."""
        if self.outlines and (rank == 3 or along):
            found, remedy = ("a volume", "leave out --geojson") if rank == 3 else ("a stack", "choose one image with --time")
            raise GrdError(f"{path}: expected one image, found {found}, whose outlines QuPath cannot show; {remedy}")

    def write(self, path: Path, samples: Generator[Sample], origin: Origin | None = None) -> str:
        """Write all that is wanted of an image, a volume, or a stack of them; returns a line that sums it up.

        Labels come first, and say that they are of `origin`; without it they stay as they are. The table of a stack has a column
        that numbers its images, the picture shows the first.
        """
        if origin is not None:
            self._warn_of_stale(path)
        with closing(samples):
            first = next(samples)
            several = bool(first.place[0])
            stack = chain((first,), samples)
            line = self._write_stack(path, stack, origin) if several else self._write_single(path, first, origin)
        return f"{self.labels(path)}: {'exists, ' if origin is None else ''}{line}"

    def _warn_of_stale(self, path: Path) -> None:
        """Warn of files of an image's earlier labels that will not be made again."""
        for end, option in ((OVERLAY, "--overlay"), (TABLE, "--table"), (OUTLINES, "--geojson")):
            file = self.folder / f"{output_name(path)}{end}"
            if file not in self.besides(path) and file.exists() and not _is_foreign(file):
                log.warning("%s: of earlier labels, which are replaced; delete it, or call with %s", file, option)

    def _write_single(self, path: Path, sample: Sample, origin: Origin | None) -> str:
        if origin is not None:
            write_labels(self.labels(path), sample.labels, origin, sample.pixel_size)
        if self.overlay:
            self._write_overlay(path, sample.labels, sample.image[...])
        if self.table or self.outlines:
            objects = measure(sample.labels, sample.image[...], sample.pixel_size, sample.channels)
        if self.table:
            self._write_table(path, objects)
        if self.outlines:
            write_geojson(self.folder / f"{output_name(path)}{OUTLINES}", sample.labels, objects)
        return summary(sample.labels, sample.pixel_size)

    def _write_stack(self, path: Path, samples: Iterable[Sample], origin: Origin | None) -> str:
        stack: list[np.ndarray] = []
        objects: dict[str, pd.DataFrame] = {}
        for sample in samples:
            if not stack:
                shown = sample.image[...] if self.overlay else None
            if self.table:
                objects[sample.place[1]] = measure(sample.labels, sample.image[...], sample.pixel_size, sample.channels)
            stack.append(sample.labels)
        if origin is not None:
            size = sample.pixel_size and (1.0, *sample.pixel_size)
            write_labels(self.labels(path), np.stack(stack), origin, size, "T" + SPATIAL[stack[0].ndim])
        if shown is not None:
            self._write_overlay(path, stack[0], shown)
        if self.table:
            self._write_table(path, join(objects, "time"))
        return f"{len(stack)} images, {sum(len(consecutive(labels)[0]) for labels in stack)} objects"

    def _write_overlay(self, path: Path, labels: np.ndarray, image: np.ndarray) -> None:
        from grd.apply.overlay import write_overlay  # which loads matplotlib

        write_overlay(self.folder / f"{output_name(path)}{OVERLAY}", labels, image)

    def _write_table(self, path: Path, objects: pd.DataFrame) -> None:
        write_csv(self.folder / f"{output_name(path)}{TABLE}", objects)
        self.tables[output_name(path)] = objects

    def is_complete(self, path: Path) -> bool:
        """True if an image's labels are there, and all that is wanted beside them, no older than they."""
        if not self.labels(path).exists():
            return False
        changed = last_change(self.labels(path))
        return all(file.exists() and file.stat().st_mtime_ns >= changed for file in self.besides(path))

    def is_current(self, path: Path) -> bool:
        """True if an image's labels are younger than it, say that they are of the values that it has now, or were corrected."""
        file, _ = locate(path)
        if not file.exists() or newest_time(file) <= last_change(self.labels(path)) / 1e9:
            return True
        found = origin_of(self.labels(path))
        with suppress(GrdError):  # that it cannot be read, its batch will say
            return found is None or found.values == Origin.of(path, Choice()).values
        return False

    def resume(self, path: Path) -> bool:
        """True if nothing is left to do for an image; its table then counts, too."""
        if not self.is_complete(path):
            return False
        if self.table:
            table = self.folder / f"{output_name(path)}{TABLE}"
            with readable(table):
                self.tables[output_name(path)] = pd.read_csv(table)
        return True

    def finish(self) -> None:
        """Write one table of all images."""
        if self.joined and self.tables:
            write_csv(self.folder / ALL, join(self.tables))


def _is_foreign(path: Path) -> bool:
    """True for a file, or the folder of a zarr, that looks otherwise than this command writes it."""
    if not (path.exists() if path.suffix == ".zarr" else path.is_file()):
        return False
    if path.name.endswith((LABELS, ZARR)):
        return origin_of(path) is None
    with path.open("rb") as file:
        head = file.read(1000).decode(errors="replace")
    if path.suffix == TABLE:
        return not {"label", "centroid_x", "bbox_x_max"} <= set(head.partition("\n")[0].split(","))
    return SOFTWARE not in head
