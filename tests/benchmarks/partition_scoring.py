"""Time and memory of `score_partition` against scikit-image, on volumes of neurites cut into fragments.

    python tests/benchmarks/partition_scoring.py [REPEATS] [--size Z Y X]

The prediction shifts the neurites by some pixels and cuts each into many parts. The script checks that the two agree, then
times them in turn. The null control times the same function twice, so its ratio shows the noise of the machine. Peaks of memory
are those of Python's and NumPy's allocations, without the two volumes. JSON to stdout.
"""

import argparse
import json
import sys
import time
import tracemalloc
from statistics import median

import numpy as np
from skimage.metrics import adapted_rand_error, variation_of_information

from grd.data.twins.neurites import neurites
from grd.metrics import score_partition

DIAMETER, PART = 60.0, 48


def skimage_scores(prediction, truth):
    split, merge = variation_of_information(truth, prediction, ignore_labels=(0,))
    error = adapted_rand_error(truth, prediction, ignore_labels=(0,))[0]
    return {"voi": split + merge, "voi_split": split, "voi_merge": merge, "arand": error}


def volumes(shape):
    """Prediction and truth (Z, Y, X) int32; a fifth of the truth is 0."""
    rng = np.random.default_rng(0)
    truth = neurites(rng, shape, DIAMETER)
    z, y, x = (np.arange(side) // PART for side in shape)
    block = (z[:, None, None] * (y[-1] + 1) + y[:, None]) * (x[-1] + 1) + x
    _, prediction = np.unique(np.roll(truth, (2, 3), axis=(1, 2)) * (block.max() + 1) + block, return_inverse=True)
    truth[rng.random(shape[0]) < 0.2] = 0
    return prediction.reshape(shape).astype(np.int32), truth


def seconds(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def peak_mebibytes(function, *arguments):
    tracemalloc.start()
    function(*arguments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(peak / 2**20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repeats", type=int, nargs="?", default=5)
    parser.add_argument("--size", type=int, nargs=3, default=(20, 512, 512), metavar=("Z", "Y", "X"))
    arguments = parser.parse_args()
    pair = volumes(tuple(arguments.size))
    ours, theirs = score_partition(*pair), skimage_scores(*pair)
    if any(abs(ours[name] - theirs[name]) > 1e-9 for name in theirs):
        sys.exit(f"the two implementations disagree: {ours} and {theirs}")
    functions = {"ours": score_partition, "ours again": score_partition, "skimage": skimage_scores}
    times = {name: [] for name in functions}
    for _ in range(arguments.repeats):
        for name, function in functions.items():
            times[name].append(seconds(function, *pair))
    medians = {name: median(values) for name, values in times.items()}
    report = {
        "size": list(arguments.size),
        "ids of prediction, truth": [int(labels.max()) for labels in pair],
        "repeats": arguments.repeats,
        "seconds [min, median, max]": {name: [round(f(values), 4) for f in (min, median, max)] for name, values in times.items()},
        "peak MiB": {name: peak_mebibytes(functions[name], *pair) for name in ("ours", "skimage")},
        "skimage / ours": round(medians["skimage"] / medians["ours"], 1),
        "null control": round(medians["ours again"] / medians["ours"], 3),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
