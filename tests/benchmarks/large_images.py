"""CPU seconds and memory to segment images of growing size in blocks, and how far the result is from that of the whole image.

    python tests/benchmarks/large_images.py MODEL [--images ZIP] [--sides N ...] [--whole N] [--block N N]
    python tests/benchmarks/large_images.py MODEL --volume Z Y X [--block Z Y X]

MODEL is a run's model.pt. An image is a mosaic of those in BBBC039's images.zip, or of synthetic ones. Up to --whole pixels a
side it is segmented as a whole, too; then `without partner` counts the objects of which the other result has none with an IoU
of 0.9, and `voi` is the distance of the two. A volume is a synthetic one. Every segmentation runs on one thread in a process of
its own, from a file to a file; `start` is its memory before. A line of JSON per size to stdout.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grd.apply.large import BLOCKS, segment_large
from grd.data.archives import zips
from grd.data.twins import bbbc039, micrographs, shapes
from grd.data.twins.neurites import neurites
from grd.inference.predict import load_predictor
from grd.metrics import score_partition
from grd.metrics.overlap import overlap_table
from grd.reading.grey import grey_rule
from grd.segmentation.run_files import segment_sample
from grd.system.hardware import hardware

FIELD = (520, 696)
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--images", type=Path, help="images.zip of BBBC039")
    parser.add_argument("--sides", type=int, nargs="+", default=[2000, 4000, 16000])
    parser.add_argument("--whole", type=int, default=4000)
    parser.add_argument("--volume", type=int, nargs=3, metavar=("Z", "Y", "X"))
    parser.add_argument("--block", type=int, nargs="+")
    chosen = parser.parse_args()
    sizes = [tuple(chosen.volume)] if chosen.volume else [(side, side) for side in chosen.sides]
    block = chosen.block or BLOCKS[len(sizes[0])]
    show({"machine": hardware(), "block": list(block)})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for size in sizes:
            in_own_process(write_volume if chosen.volume else write_mosaic, folder, size, chosen.images)
            found = {"blocks": in_own_process(segment, folder, chosen.model, block)}
            if max(size) <= chosen.whole:
                found["whole"] = in_own_process(segment, folder, chosen.model, None)
                found["comparison"] = compare(*(np.load(folder / f"{name}.npy", "r") for name in ("blocks", "whole")))
            show({"size": size, **found})


def show(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def segment(folder: Path, model: Path, block: tuple[int, ...] | None) -> dict[str, float]:
    """Segment sample.npy to blocks.npy or whole.npy, and measure it."""
    torch.set_num_threads(1)
    predictor = load_predictor(model, CPU)
    settings = predictor.card.required_use(model).segmenter()
    start, began = peak(), time.process_time()
    sample = np.load(folder / "sample.npy", "r")
    if block is None:
        labels = segment_sample(predictor.offsets, settings, predictor.predict(np.array(sample)))
        np.save(folder / "whole.npy", labels)
    else:
        labels = np.lib.format.open_memmap(folder / "blocks.npy", "w+", np.int32, sample.shape)
        segment_large(predictor, settings, sample, np.array, labels, block)
    seconds = time.process_time() - began
    rate = seconds / sample.size * 1e6
    return {
        "CPU s": round(seconds, 1),
        "CPU s per million": round(rate, 2),
        "start GiB": start,
        "peak GiB": peak(),
        "instances": int(labels.max()),
    }


def compare(blocks: np.ndarray, whole: np.ndarray) -> dict[str, float]:
    """Objects of the whole sample and of its blocks, and how many have no partner."""
    table = overlap_table(blocks, whole).instances
    alike = int((table.pair_iou >= 0.9).sum())
    most = max(len(table.truth_ids), len(table.prediction_ids))
    same = int((table.pair_iou == 1).sum())
    voi = round(score_partition(blocks, whole)["voi"], 4)
    share = round(100 * (1 - alike / most), 3)
    return {"objects": most, "without partner": most - alike, "per cent": share, "identical": same, "voi": voi}


def write_mosaic(folder: Path, size: tuple[int, int], archive: Path | None) -> None:
    """Write sample.npy (H, W) uint8."""
    mosaic = np.lib.format.open_memmap(folder / "sample.npy", "w+", np.uint8, size)
    pictures = cycle(fields(archive))
    for y, x in product(range(0, size[0], FIELD[0]), range(0, size[1], FIELD[1])):
        target = mosaic[y : y + FIELD[0], x : x + FIELD[1]]
        picture = next(pictures)
        target[:] = grey_rule(picture)(picture)[: target.shape[0], : target.shape[1]]


def fields(archive: Path | None) -> Iterator[np.ndarray]:
    """Fields of view (H, W) uint16."""
    if archive is None:
        yield from (bbbc039.draw(shapes.generator(0, number), FIELD, 2)[0] for number in range(20))
        return
    with zips.open_file(archive) as pictures:
        members = zips.members(pictures, r"(?:^|/)images/(IXMtest_[^/]*)\.tif$")
        yield from (zips.read_image(pictures, member) for member in members.values())


def write_volume(folder: Path, size: tuple[int, int, int], _: None) -> None:
    """Write sample.npy (Z, Y, X) uint8, neurites as those of the demo."""
    rng = shapes.generator(0, 0)
    volume = np.lib.format.open_memmap(folder / "sample.npy", "w+", np.uint8, size)
    volume[:] = micrographs.electron_micrograph(rng, neurites(rng, size, 42, 0.04))


def peak() -> float:
    """The highest resident memory of this process so far, in GiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20), 2)


def in_own_process(action: Callable[..., Any], *arguments: object) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(action, *arguments).result()


if __name__ == "__main__":
    main()
