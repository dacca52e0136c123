"""A file, recognised by its first bytes → the array in it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from grd.errors import GrdError
from grd.reading.containers import open_hdf5, open_npy, open_npz, open_zarr
from grd.reading.pictures import open_picture
from grd.reading.stored import Stored, locate, readable
from grd.reading.tif import open_tif

GREY = ("main", "volumes/raw", "raw")
LABELS = ("labels", "main", "volumes/labels/neuron_ids")
"""Arrays of HDF5, zarr and npz files that are taken without a part, the first that is there: of images, and of labels."""

Opener = Callable[[Path, str | None, Sequence[str], ExitStack], Stored]
OPENERS: list[tuple[tuple[bytes, ...], Opener]] = [
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), open_tif),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"\0\0\0\x0cjP", b"P5", b"P6"), open_picture),
    ((b"\x93NUMPY",), open_npy),
    ((b"\x89HDF",), open_hdf5),
    ((b"PK\x03\x04",), open_npz),
]
FOREIGN = {
    b"ZISRAWFILE": "Zeiss CZI",
    b"\x70\0\0\0": "Leica LIF",
    b"\xda\xce\xbe\x0a": "Nikon ND2",
    b"\xd0\xcf\x11\xe0": "OIB, or another compound file",
    b"NRRD": "NRRD",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
}
ZARR = ("zarr.json", ".zgroup", ".zarray")
KINDS = "a tif, PNG, JPEG, BMP, GIF, npy, npz, HDF5 or zarr"


@contextmanager
def open_file(path: Path, preferred: Sequence[str] = GREY) -> Iterator[Stored]:
    """The array of a file, open for reading within the context.

    `file.h5:volumes/raw`, `file.zarr:0` and `file.tif:1` name a dataset, an array, a series. GrdError for a file that is absent,
    is damaged, is of another format, or holds several arrays of which none is named or in `preferred`.
    """
    file, part = locate(path)
    with ExitStack() as resources:
        with readable(path):
            stored = _opener(file)(file, part, preferred, resources)
        if not stored.array.shape:
            raise GrdError(f"{path}: expected an image, found a single number; name another array or file")
        yield stored


def _opener(file: Path) -> Opener:
    if file.is_dir():
        if any((file / name).exists() for name in ZARR):
            return open_zarr
        raise GrdError(f"{file}: expected an image file, found a folder; name the files in it")
    if not file.exists():
        raise GrdError(f"{file}: expected an image, found no file; check the path")
    with open(file, "rb") as content:
        head = content.read(16)
    for starts, opener in OPENERS:
        if head.startswith(starts):
            return opener
    found = next(
        (name for start, name in FOREIGN.items() if head.startswith(start)), "another format" if head else "an empty file"
    )
    raise GrdError(f"{file}: expected {KINDS}, found {found}; save it as OME-TIFF, for instance with Fiji")
