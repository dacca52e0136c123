"""A miniature project for tests: a prepared data set of dots on a field, narrow networks, a few steps."""

from pathlib import Path

import numpy as np

from grd.config import Augment, Fidelity, Training
from grd.data.store import Split, write_samples
from grd.runs import Run, RunSettings

WIDTHS = {
    "resunet": {"widths": [4, 6, 8, 10, 12]},
    "resunet_tiny": {"widths": [2, 3, 4, 5, 6]},
    "nested_unet": {"width": 4},
    "mobilenet_v2": {"width": 0.1},
}


def squares(count: int, seed: int, size: int = 48) -> Split:
    """Images (n, size, size) uint8 of bright squares, some of which touch."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((count, size, size), np.uint16)
    for image in labels:
        for number in range(1, 6):
            y, x = rng.integers(0, size - 12, 2)
            image[y : y + 12, x : x + 12] = number
    grey = rng.integers(120, 250, (count, 6)).astype(np.uint8)
    grey[:, 0] = 20
    images = np.take_along_axis(grey, labels.reshape(count, -1).astype(int), 1).reshape(labels.shape)
    return Split([f"image{seed}-{n}" for n in range(count)], images, labels)


def write_squares(path: Path, seed: int = 0) -> Path:
    sizes = {"training": 6, "validation": 2, "test": 3}
    write_samples(path, {split: squares(count, seed + n) for n, (split, count) in enumerate(sizes.items(), 1)})
    return path


def settings(run: Run, **training) -> RunSettings:
    options = {"iterations": 8, "learning_rate": 0.01, "log_every": 2, "validate_every": 4, "eps": 1e-8, "amsgrad": False}
    return RunSettings(
        dataset=run.dataset,
        run=run.name,
        network=run.network,
        arguments=WIDTHS[run.network],
        method=run.method,
        teacher=run.taught_by.name if run.taught_by else None,
        seed=run.seed,
        shifts=(1, 3, 9),
        fidelity=Fidelity(),
        normalisation="unit",
        canvas=(48, 48),
        padding="zero",
        augment=Augment(crop=(32, 32), rotate=0.5, transpose=0.5),
        training=Training(**{**options, **training}),
    )
