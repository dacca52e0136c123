"""Time and memory of waterz and of the multicut on a twin as large as AC3, 100 x 1024 x 1024 voxels.

    python tests/benchmarks/volume_segmentation.py [--size Z Y X] [--noise SD] [--only NAME ...]

Affinities are those of neurites, with Gaussian noise. Each segmenter runs once, in its own process, one after another, so that
its peak of resident memory is its own. "affinities GiB" is the memory of a process before it segments, and `null` returns a
single segment. On a busy machine CPU seconds vary less than seconds. JSON to stdout.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from grd.data.twins.neurites import neurites
from grd.metrics import score_partition
from grd.segmentation import agglomerate, multicut

OFFSETS = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
GRID = [round(0.05 * step, 2) for step in range(1, 20)]
DIAMETER = 60.0
GIB = 1 << 30


def no_segmentation(affinities):
    return np.ones(affinities.shape[1:], dtype=np.int32)


def waterz(affinities):
    [(_, labels)] = agglomerate(affinities, OFFSETS, [0.5])
    return labels


def waterz_grid(affinities):
    for threshold, labels in agglomerate(affinities, OFFSETS, GRID):
        if threshold == 0.5:
            chosen = labels
    return chosen


def multicut_kernighan_lin(affinities):
    return multicut(affinities, OFFSETS, "kernighan-lin", 0.5)


SEGMENTERS = {"null": no_segmentation, "waterz": waterz, "waterz, 19 thresholds": waterz_grid, "multicut": multicut_kernighan_lin}


def make_volume(folder, shape, noise):
    """Write truth.npy (Z, Y, X), 0 where two neurites are within a pixel, and affinities.npy (3, Z, Y, X) float32."""
    rng = np.random.default_rng(0)
    labels = neurites(rng, shape, DIAMETER)
    window = (1, 3, 3)
    truth = np.where(maximum_filter(labels, window) == minimum_filter(labels, window), labels, 0)
    np.save(folder / "truth.npy", truth)
    affinities = np.lib.format.open_memmap(folder / "affinities.npy", "w+", np.float32, (3, *shape))
    for z in range(shape[0]):
        below, here = truth[max(z - 1, 0)], truth[z]
        up, left = np.roll(here, 1, axis=0), np.roll(here, 1, axis=1)
        same = np.stack([(here == other) & (here > 0) for other in (below, up, left)])
        affinities[:, z] = same + noise * rng.standard_normal(same.shape, dtype=np.float32)


def measure(segmenter, folder, queue):
    affinities = np.load(folder / "affinities.npy")
    before = peak()
    began, cpu_began = time.perf_counter(), time.process_time()
    labels = SEGMENTERS[segmenter](affinities)
    seconds, cpu_seconds, highest = time.perf_counter() - began, time.process_time() - cpu_began, peak()
    del affinities
    scores = score_partition(labels, np.load(folder / "truth.npy"))
    queue.put({
        "seconds": round(seconds, 2),
        "CPU seconds": round(cpu_seconds, 2),
        "CPU seconds per megavoxel": round(1e6 * cpu_seconds / labels.size, 4),
        "peak GiB": round(highest, 2),
        "affinities GiB": round(before, 2),
        "peak GiB with scoring": round(peak(), 2),
        "segments": int(labels.max()),
        **{name: round(score, 4) for name, score in scores.items()},
    })  # fmt: skip


def peak():
    """The highest resident memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def in_own_process(function, *arguments):
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{function.__name__}{arguments[:1]} ended with exit code {process.exitcode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=3, default=(100, 1024, 1024), metavar=("Z", "Y", "X"))
    parser.add_argument("--noise", type=float, default=0.1, help="standard deviation")
    parser.add_argument("--only", nargs="+", choices=SEGMENTERS, default=list(SEGMENTERS))
    arguments = parser.parse_args()
    report = {"size": list(arguments.size), "noise": arguments.noise, "machine": platform.machine()}
    queue = multiprocessing.get_context("spawn").Queue()
    with tempfile.TemporaryDirectory() as folder:
        in_own_process(make_volume, Path(folder), tuple(arguments.size), arguments.noise)
        for segmenter in arguments.only:
            in_own_process(measure, segmenter, Path(folder), queue)
            report[segmenter] = queue.get()
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
