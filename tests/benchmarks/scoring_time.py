"""Time of `score_instances` against one mask per pair of instances, on a 520 x 696 image of about 120 instances.

    python tests/benchmarks/scoring_time.py [REPEATS]

The script checks that the two agree, then times them in turn. The null control times the same function twice, so its ratio shows
the noise of the machine. JSON to stdout.
"""

import json
import sys
import time
from statistics import median

import numpy as np

from grd.metrics import score_instances

SHAPE = (520, 696)


def discs(rng, count=120):
    labels = np.zeros(SHAPE, dtype=np.int32)
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    for label, (y, x, radius) in enumerate(rng.uniform((0, 0, 8), (*SHAPE, 18), (count, 3)), start=1):
        labels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = label
    return labels


def naive_scores(prediction, truth):
    """SBD, F1 and PQ by comparing every instance with every other one, pixel by pixel."""
    truth_masks = [truth == label for label in np.unique(truth) if label]
    masks = [prediction == label for label in np.unique(prediction) if label]
    shared = np.array([[np.count_nonzero(t & p) for p in masks] for t in truth_masks])
    sizes = np.array([[t.sum()] for t in truth_masks]) + np.array([p.sum() for p in masks])
    dice, iou = 2 * shared / sizes, shared / (sizes - shared)
    matches, total = iou[iou > 0.5], sum(shared.shape)
    return {
        "sbd": min(dice.max(axis=0).mean(), dice.max(axis=1).mean()),
        "f1": 2 * len(matches) / total,
        "pq": 2 * matches.sum() / total,
    }


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main(repeats):
    truth = discs(np.random.default_rng(0))
    images = np.roll(truth, (2, 3), axis=(0, 1)), truth
    ours, naive = score_instances(*images), naive_scores(*images)
    if any(abs(ours[name] - naive[name]) > 1e-9 for name in naive):
        sys.exit(f"the two implementations disagree: {ours} and {naive}")
    functions = {"ours": score_instances, "ours again": score_instances, "naive": naive_scores}
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(seconds(function, *images))
    medians = {name: median(values) for name, values in times.items()}
    report = {
        "instances": len(np.unique(truth)) - 1,
        "repeats": repeats,
        "milliseconds [min, median, max]": {
            name: [round(1000 * f(values), 2) for f in (min, median, max)] for name, values in times.items()
        },
        "naive / ours": round(medians["naive"] / medians["ours"], 1),
        "null control": round(medians["ours again"] / medians["ours"], 3),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
