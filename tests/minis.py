"""Miniature archives and settings for the tests of grd.data."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from grd.config.datasets import Archive, Dataset
from grd.config.parsing import parse, read_yaml
from grd.data.store import SPLITS

ROOT = Path(__file__).parents[1]
WELLS = ("A01", "A02", "B03")
NUCLEI = tuple(f"IXMtest_{well}_s1_w1AB-CD" for well in WELLS)
PLANTS = ("plant001", "plant002", "plant003")


def settings(dataset, **changes):
    """A data set of config/datasets.yaml, with an absolute path of its split file."""
    path = ROOT / "config" / "datasets.yaml"
    model = parse(Dataset, read_yaml(path)[dataset], path)
    split = model.split if model.split == "archive" else ROOT / model.split
    return model.model_copy(update={"split": split} | changes)


def write_split_file(folder, names):
    """Write a split file with one name in each split."""
    path = folder / "split.yaml"
    path.write_text("".join(f"{split}: [{name}]\n" for split, name in zip(SPLITS, names, strict=True)))
    return path


def write_zip(path, members):
    """Write a zip of members given as bytes or text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def encode(array, kind="PNG", palette=None):
    """Bytes of an image file of an array; with a palette, its values are indices."""
    image = Image.fromarray(np.asarray(array))
    if palette is not None:
        image = image.convert("P")
        image.putpalette(palette)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def ramp(size=(6, 8), dtype=np.uint16):
    return np.arange(size[0] * size[1], dtype=dtype).reshape(size)


def cvppp(folder, plants=PLANTS, changes=None, size=(6, 8)):
    """A CVPPP archive whose plants have the leaves 2 and 7 (ids have gaps); `changes` replaces or, with None, drops members."""
    members = {}
    label = np.zeros(size, np.uint8)
    label[:2], label[4:] = 7, 2
    colours = bytes(3 * 2) + bytes((9, 9, 9)) * 254  # every index from 2 has one and the same colour
    for plant in plants:
        members[f"top/training/A1/{plant}_rgb.png"] = encode(np.full((*size, 4), 100, np.uint8))
        members[f"top/training/A1/{plant}_label.png"] = encode(label, palette=colours)
        members[f"top/training/A2/{plant}_rgb.png"] = b"another folder"
    return {"CVPPP2017_LSC_training.zip": write_zip(folder / "CVPPP2017_LSC_training.zip", _replace_members(members, changes))}


def celegans(folder, wells=WELLS, changes=None, size=(6, 8)):
    """Both archives of C. elegans with two worms per well, crossing in one pixel."""
    images, worms = {}, {}
    for well in wells:
        images[f"v2/x_{well}_w1_0A-1B.tif"] = encode(np.zeros(size, np.uint16), "TIFF")
        images[f"v2/x_{well}_w2_0A-1B.tif"] = encode(ramp(size), "TIFF")
        images[f"__MACOSX/v2/x_{well}_w2_0A-1B.tif"] = b"a resource fork"
        lying, standing = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        lying[2, :], standing[:, 3] = 255, 255
        worms[f"each/{well}_01_ground_truth.png"] = encode(lying)
        worms[f"each/{well}_02_ground_truth.png"] = encode(standing)
    return {
        "BBBC010_v2_images.zip": write_zip(folder / "BBBC010_v2_images.zip", _replace_members(images, changes)),
        "BBBC010_v1_foreground_eachworm.zip": write_zip(
            folder / "BBBC010_v1_foreground_eachworm.zip", _replace_members(worms, changes)
        ),
    }


def rgba(red):
    """The official RGBA mask of a colouring."""
    mask = np.zeros((*red.shape, 4), np.uint8)
    mask[..., 0], mask[..., 3] = red, 255
    return mask


def bbbc039(folder, names=NUCLEI, changes=None, size=(6, 8)):
    """The three archives of BBBC039 with two touching nuclei of colours 1 and 2 and another one of colour 1."""
    red = np.zeros(size, np.uint8)
    red[1:3, 1], red[1:3, 2], red[5, 6:] = 1, 2, 1
    images = {f"images/{name}.tif": encode(ramp(size), "TIFF") for name in names}
    masks = {f"masks/{name}.png": encode(rgba(red)) for name in names}
    lists = {f"metadata/{split}.txt": f"{name}.png\n" for split, name in zip(SPLITS, names, strict=False)}
    return {
        "images.zip": write_zip(folder / "images.zip", _replace_members(images, changes)),
        "masks.zip": write_zip(folder / "masks.zip", _replace_members(masks, changes)),
        "metadata.zip": write_zip(folder / "metadata.zip", _replace_members(lists, changes)),
    }


MAKERS = {"cvppp": cvppp, "celegans": celegans, "bbbc039": bbbc039}


def _replace_members(members, changes):
    """Members of one archive; those whose name ends in a key of `changes` are replaced, or dropped for None."""
    result = {}
    for name, content in members.items():
        new = next((new for end, new in (changes or {}).items() if name.endswith(end)), content)
        if new is not None:
            result[name] = new
    return result


def archive(**fields):
    return Archive(**({"members": r"(^|/)images/.*\.tif$"} | fields))
