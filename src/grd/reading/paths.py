"""Files, folders and patterns that people name → the image files that they mean."""

import logging
import re
import unicodedata
from collections.abc import Iterable
from glob import glob
from pathlib import Path

from grd.errors import GrdError
from grd.reading.stored import locate

ENDINGS = frozenset(
    [
        *(".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk"),
        *(".png", ".jpg", ".jpeg", ".jp2", ".bmp", ".gif", ".webp", ".pgm", ".ppm"),
        *(".npy", ".npz", ".h5", ".hdf", ".hdf5", ".ilp", ".zarr"),
    ]
)
"""Names of files in folders that are taken for images; a file that is named itself may be called anything."""

MICROSCOPES = frozenset([".czi", ".lif", ".lof", ".nd2", ".oib", ".oif", ".oir", ".vsi", ".zvi", ".dv"])
"""Names of files in folders that are images of formats that are not read."""

LABEL = "[-_. ](labels?|masks?|cp_masks|seg|segmentation|gt|truth|groundtruth|instances?|pred|prediction)"
IMAGE = "[-_. ](images?|img|raw|input)"
LABEL_ENDS = re.compile(f"{LABEL}$", re.IGNORECASE)
"""Ends of names that say that a file is a label image, not of which image."""
IMAGE_ENDS = re.compile(f"{IMAGE}$", re.IGNORECASE)
"""The same of images."""
ALL_ENDS = re.compile(f"({IMAGE})?({LABEL})?$", re.IGNORECASE)
"""All that label images may have at the end besides the name of a sample: what ends their image's name, and their own."""

log = logging.getLogger(__name__)


def expand(named: Iterable[Path | str]) -> list[Path]:
    """Paths of all files that are named, that lie in folders that are named, or that fit a pattern such as `*.tif`, each once.

    Warns of files of microscopes' formats in a folder, which are left out. GrdError for a folder or a pattern without images; a
    file that is absent stays, for whoever opens it.
    """
    found: dict[Path, None] = {}
    for each in map(Path, named):
        file, _ = locate(each)
        if is_folder(file) and file == each:
            _warn_of_microscopes(each)
            found |= dict.fromkeys(files_of(each))
        elif not file.exists() and any(character in str(each) for character in "*?["):
            fitting = sorted(Path(path) for path in glob(str(each), recursive=True))
            if not fitting:
                raise GrdError(f"{each}: expected files that fit this pattern, found none; correct it")
            found |= dict.fromkeys(fitting)
        else:
            found[each] = None
    return list(found)


def _warn_of_microscopes(folder: Path) -> None:
    foreign = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in MICROSCOPES and path.name[0] != ".")
    if foreign:
        log.warning(
            "%s: left out %d file%s of formats that are not read, such as %s; save them as OME-TIFF, for instance with Fiji",
            folder,
            len(foreign),
            "s" * (len(foreign) > 1),
            foreign[0],
        )


def files_of(folder: Path) -> list[Path]:
    """Image files in a folder, by name, numbers in their order; GrdError if there are none."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith(".")]
    if not files:
        raise GrdError(f"{folder}: expected a folder with images, found none in it; name another")
    return sorted(files, key=_natural)


def files_by_name(folder: Path, ends: re.Pattern[str], files: Iterable[Path] | None = None) -> dict[str, Path]:
    """Image files in a folder, or some of them, by their names without `ends`; GrdError for two of one name."""
    names: dict[str, Path] = {}
    for path in files_of(folder) if files is None else files:
        name = ends.sub("", composed(output_name(path)))
        if name in names:
            raise GrdError(f"{folder}: expected one file for {name}, found {names[name].name} and {path.name}; take one away")
        names[name] = path
    return names


def is_folder(path: Path) -> bool:
    """True for a folder of files; an OME-Zarr image is a folder, too, but counts as a file."""
    return path.is_dir() and path.suffix.lower() != ".zarr"


def composed(name: str) -> str:
    """A name with each accented letter as one character: file systems of macOS may give letter and accent as two."""
    return unicodedata.normalize("NFC", name)


def output_name(path: Path) -> str:
    """Name of a file without its ending, with its part: `a.h5:volumes/raw` → `a-volumes-raw`; of a folder all of its name."""
    file, part = locate(path)
    plain = file.is_dir() and file.suffix.lower() not in ENDINGS
    name = file.name if plain else re.sub(r"\.ome$", "", file.stem, flags=re.IGNORECASE)
    return name if part is None else f"{name}-{part.strip('/').replace('/', '-')}"


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorting key by which `a2` comes before `a10`."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", path.name)]
