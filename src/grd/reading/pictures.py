"""PNG, JPEG, BMP, GIF and their like, in all their modes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from grd.reading.stored import UNNAMED, Stored, no_parts

LOSSY = {"JPEG", "MPO", "WEBP", "JPEG2000"}
COLOUR_16 = {2, 4, 6}  # PNG's types with several channels, which Pillow reads with 8 bits


def open_picture(path: Path, part: str | None, preferred: Sequence[str], resources: ExitStack) -> Stored:
    """The image of a file, or all of an animation; turned as its EXIF tag says."""
    no_parts(path, part)
    with _any_size():
        picture: Image.Image = resources.enter_context(Image.open(path))
    lossy = picture.format in LOSSY
    if picture.format == "PNG" and _is_deep_colour(path):
        import imagecodecs

        return Stored(str(path), imagecodecs.png_decode(path.read_bytes()), "YXS")
    single = getattr(picture, "n_frames", 1) == 1 or picture.format == "MPO"
    if single:
        picture = ImageOps.exif_transpose(picture)
    palette = _palette(picture)
    if picture.mode == "P" and not single:  # an animation changes its palette from frame to frame
        palette = None
    frames = [picture] if single else list(ImageSequence.all_frames(picture))
    arrays = [_pixels(frame, palette is not None) for frame in frames]
    array = arrays[0] if single else np.stack(arrays)
    spatial = "YXS" if arrays[0].ndim == 3 else "YX"
    return Stored(str(path), array, spatial if single else UNNAMED + spatial, palette=palette, lossy=lossy)


@contextmanager
def _any_size() -> Iterator[None]:
    """Context in which Pillow opens images of any size: microscopes make larger ones than it trusts."""
    most = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _palette(picture: Image.Image) -> np.ndarray | None:
    colours = picture.getpalette("RGB") if picture.mode in ("P", "PA") else None
    return None if colours is None else np.array(colours, np.uint8).reshape(-1, 3)


def _pixels(picture: Image.Image, indexed: bool) -> np.ndarray:
    """Pixels (Y, X) or (Y, X, S); numbers of colours if `indexed`."""
    if picture.mode == "PA" and indexed:
        return np.asarray(picture)[..., 0]
    if (picture.mode in ("P", "PA") and not indexed) or picture.mode not in ("1", "L", "LA", "I", "F", "RGB", "RGBA", "P"):
        if picture.mode.startswith("I;16"):
            return np.asarray(picture)
        picture = picture.convert("RGB")
    return np.asarray(picture)


def _is_deep_colour(path: Path) -> bool:
    with open(path, "rb") as file:
        header = file.read(26)
    return header[24] == 16 and header[25] in COLOUR_16
