"""Settings of trainings on a user's images, from the size of the objects in them, and their text in config/."""

import json
from collections.abc import Mapping, Sequence

from grd.apply.inspection import Inspection
from grd.config.datasets import Folder

DIAMETERS = 4  # a crop is so many objects wide
SMALLEST, LARGEST, STEP = 64, 256, 32  # sides of crops
MULTIPLE = 16  # of the canvas, which all networks of images take
SHIFTS = (1, 3, 5, 9, 27)  # the paper's, for objects of 30 to 100 pixels
VOLUME_SHIFTS = ((1, 2, 3), (1, 3, 9, 27), (1, 3, 9, 27))
VOLUME_CROP = (20, 80, 80)  # at most
CONTEXT = (4, 16, 16)  # voxels by which the output of scale own's networks of volumes is smaller than their input
FITTING = {20: 30, 150: 100}  # objects of less or more pixels than these have the shifts for such ones, in proportion


def crop_side(diameter: float, shortest: int) -> int:
    """Side of a crop for objects of a diameter, in images whose shortest side is given."""
    wanted, most = _up(DIAMETERS * diameter, STEP), shortest // STEP * STEP
    return max(SMALLEST, min(LARGEST, wanted, most))


def shifts_for(diameter: float, shortest: int) -> list[int]:
    """Distances in pixels at which embeddings are compared, for objects of a diameter; the nearest is 1, the farthest lies within
    a crop and canvas whose shortest side is given."""
    (small, least), (large, most) = FITTING.items()
    factor = diameter / least if diameter < small else diameter / most if diameter > large else 1
    return sorted(shift for shift in {1, *(max(1, round(factor * shift)) for shift in SHIFTS[1:])} if shift < shortest)


def _up(length: float, step: int) -> int:
    return int(-(-length // step) * step)


def dataset_text(name: str, found: Inspection, folder: Folder, split: str) -> str:
    """The entry of config/datasets.yaml."""
    reading = {"volumes": folder.volumes or None, "axes": folder.axes, "channel": folder.channel}
    lines = [
        f"{name}: # from {len(found.samples)} {'volumes' if folder.volumes else 'images'} of {_quoted(folder.images.as_posix())} "
        f"and their masks, by `grd import`",
        f"  title: {_quoted(name)}",
        "  cite: own data",
        "  licence: not published",
        '  page: ""',
        "  folder:",
        *(f"    {kind}: {_quoted(getattr(folder, kind).as_posix())}" for kind in ("images", "masks", "files")),
        *(f"    {key}: {json.dumps(value)}" for key, value in reading.items() if value is not None),
        f"  split: {split}",
        f"  shape: {_largest(found)}",
        *(_volume_lines(found) if folder.volumes else _image_lines(found)),
    ]
    return "\n".join(lines) + "\n"


def _largest(found: Inspection) -> list[int]:
    """Sides that hold every sample, and 3 for images in colours."""
    sides = [max(along) for along in zip(*found.sizes, strict=True)]
    return [*sides, 3] if found.coloured else sides


def _image_lines(found: Inspection) -> list[str]:
    shortest = min(min(size) for size in found.sizes)
    side, canvas = crop_side(found.diameter, shortest), [_up(length, MULTIPLE) for length in _largest(found)[:2]]
    shifts = shifts_for(found.diameter, min(side, *canvas))
    learned = "strides: validation, merge_passes: validation, min_size: validation"
    return [
        f"  normalisation: {'imagenet' if found.coloured else 'unit'}",
        f"  canvas: {canvas} # images are padded to it; of different sizes, each to the next multiple of {MULTIPLE}",
        "  padding: reflect",
        f"  shifts: [{shifts}, {shifts}] # distances along rows and along columns, for objects {found.diameter:.0f} pixels wide",
        f"  reach: {shifts[-1]}",
        f"  augment: {{crop: [{side}, {side}], transpose: 0.5, grayscale: 0.4}}",
        "  segmenters:",
        f"    learned: {{algorithm: mutex, foreground: learned, {learned}}}",
        "    mutex: {algorithm: mutex, foreground: corner} # by its scores, scales with `select: score` choose weights",
        "  metrics: [aji, f1, pq, dice]",
    ]


def _volume_lines(found: Inspection) -> list[str]:
    sections, *sides = (min(along) for along in zip(*found.sizes, strict=True))
    shortest = sections, *[min(sides) // 2 * 2] * 2
    crop = [min(most, length + context) for most, length, context in zip(VOLUME_CROP, shortest, CONTEXT, strict=True)]
    outputs = [length - context for length, context in zip(crop, CONTEXT, strict=True)]
    shifts = [[shift for shift in along if shift < length] for along, length in zip(VOLUME_SHIFTS, outputs, strict=True)]
    return [
        "  normalisation: unit",
        "  # canvas and crop are for the small networks of scale own; the paper's take [84, 268, 268] and [53, 268, 268]",
        "  canvas: [36, 116, 116]",
        "  padding: reflect",
        f"  shifts: {shifts} # across sections, along rows, along columns",
        "  reach: 1",
        f"  augment: {{crop: {crop}, transpose: 0.5, grayscale: 0.5}}",
        "  segmenters:",
        "    waterz: {algorithm: waterz, threshold: validation}",
        "    multicut: {algorithm: multicut}",
        "  metrics: [voi, arand]",
    ]


def table_text(name: str, volumes: bool, scale: str) -> str:
    """The entry of config/experiments.yaml: a teacher, a student alone, and the student taught by GRD."""
    teacher, student = ("mala", "mala_tiny") if volumes else ("resunet", "resunet_tiny")
    lines = [
        f"table_{name}: # on request: `snakemake --cores all --config scale={scale} -- table_{name}`",
        '  number: ""',
        f"  title: {_quoted(name)}",
        "  part: Own data",
        "  needs: [scores]",
        "  on_request: true",
        f"  scale: {scale}",
        "  module: comparison",
        f"  datasets: [{name}]",
        "  runs:",
        f"    - {{network: {teacher}}}",
        f"    - {{network: {student}}}",
        f"    - {{network: {student}, teacher: {teacher}, methods: [grd]}}",
    ]
    return "\n".join(lines) + "\n"


def split_text(lists: Mapping[str, Sequence[str]], note: str) -> str:
    """A file of config/splits, with a note on how its lists were made."""
    lines = ["# yaml-language-server: $schema=../schema/split.json", f"# {note}"]
    for split, entries in lists.items():
        lines += [f"{split}:", *(f"  - {_quoted(entry)}" for entry in entries)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as YAML reads it back, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)
