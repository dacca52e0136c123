"""Options of `grd predict`, which workflow/apply.smk takes too."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grd.errors import GrdError

if TYPE_CHECKING:
    from grd.apply.outputs import Outputs
    from grd.apply.segment import Settings


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what a user may say of images, segmentation and outputs."""
    command.add_argument("--overlay", action="store_true", help="also write pictures with the objects outlined (png)")
    command.add_argument("--table", action="store_true", help="also measure the objects: a csv per image, one of all")
    command.add_argument("--geojson", action="store_true", help="images: also write outlines that QuPath opens")
    command.add_argument("--zarr", action="store_true", help="write labels as OME-Zarr in place of tif")
    command.add_argument(
        "--skip-existing", action="store_true", help="keep labels that exist; what else is asked for is made from them"
    )
    command.add_argument("--axes", metavar="LETTERS", help="axes of the files, such as TYX (T, Z, C, Y, X; S for colours)")
    command.add_argument("--channel", type=int, metavar="N", help="the channel to segment, from 0")
    command.add_argument("--time", type=int, metavar="N", help="the moment to segment, from 0 (default: all)")
    command.add_argument("--percentiles", type=float, nargs=2, metavar=("LOW", "HIGH"), help="grey values that become 0 and 255")
    size = command.add_mutually_exclusive_group()
    size.add_argument(
        "--diameter",
        type=above_0,
        metavar="PIXELS",
        help="images: of a circle of the objects' area; resizes to what the model learnt",
    )
    size.add_argument("--scale", type=above_0, metavar="FACTOR", help="images: resize by this factor")
    command.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of the network; bfloat16 is faster on GPUs and recent processors, and changes labels slightly",
    )
    command.add_argument("--segmenter", metavar="NAME", help="one of the model's card (default: the card's usual one)")
    command.add_argument("--max-size", type=positive, help="images: segments of more pixels are background")
    command.add_argument("--min-size", type=not_negative, help="images: segments of less pixels are background")
    command.add_argument("--stride", type=positive, help="images: sampling of the watershed's repulsive pairs, in pixels")
    command.add_argument("--threshold", type=float, help="volumes, waterz: more merges more")


def parse_options(text: str) -> argparse.Namespace:
    """Options from one string; GrdError for others than those of `grd predict`."""
    command = Options(prog="options", add_help=False)
    add_options(command)
    return command.parse_args(shlex.split(text))


class Options(argparse.ArgumentParser):
    """A parser whose errors are sentences, and do not end the process."""

    def error(self, message: str) -> NoReturn:
        """Raise GrdError."""
        raise GrdError(f"options: expected options of grd predict, found a wrong one: {message}")


def settings_of(chosen: argparse.Namespace) -> "Settings":
    """What the options say of images and segmentation."""
    from grd.apply.segment import Settings
    from grd.reading.axes import Choice

    changes = {name: getattr(chosen, name) for name in ("max_size", "min_size", "threshold")}
    changes["strides"] = chosen.stride and (chosen.stride, chosen.stride)
    return Settings(
        chosen.segmenter,
        {name: value for name, value in changes.items() if value is not None},
        Choice(chosen.axes, chosen.channel, chosen.time),
        chosen.percentiles and tuple(chosen.percentiles),
        chosen.diameter,
        chosen.scale,
        chosen.skip_existing,
        chosen.precision,
    )


def outputs_of(chosen: argparse.Namespace, folder: Path) -> "Outputs":
    """What the options say of the files to write."""
    from grd.apply.outputs import Outputs

    return Outputs(folder, chosen.overlay, chosen.table, chosen.geojson, chosen.zarr)


def not_negative(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, found '{text}'")
    return int(text)


def named_path(text: str) -> Path:
    """A path; an empty text, as a shell makes it of a variable that is not set, is none."""
    if not text:
        raise argparse.ArgumentTypeError("expected a name, found an empty text; is a variable of the shell not set?")
    return Path(text)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found '{text}'")
    return int(text)


def above_0(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found '{text}'")
    return number
