"""A miniature project for tests: a prepared data set of dots on a field, narrow networks, a few steps."""

from pathlib import Path

import numpy as np
import torch

from grd.config.datasets import Augment
from grd.config.general import Fidelity
from grd.config.scales import Training
from grd.data.store import Split, write_samples
from grd.project.run import Run, RunSettings
from grd.training.fit import train
from grd.training.folder import TrainingRecord

SHALLOW = {"pooling": [[1, 2, 2]], "kernels": [[1, 3, 3], [3, 3, 3]]}
WIDTHS = {
    "mala": {"encoder": [4, 6], "decoder": [4], **SHALLOW},
    "mala_tiny": {"encoder": [2, 3], "decoder": [2], **SHALLOW},
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


def tubes(count: int, seed: int, size: tuple[int, int, int] = (12, 40, 40)) -> Split:
    """Volumes (n, *size) uint8 of bright columns with dark walls, four by four of them."""
    rng = np.random.default_rng(seed)
    rows, columns = (np.arange(side) for side in size[1:])
    cells = 1 + rows[:, None] // 10 * 4 + columns // 10
    walls = (rows % 10 == 0)[:, None] | (columns % 10 == 0)
    image = np.where(walls, 40, 180) + rng.normal(0, 5, (count, *size))
    return Split(
        [f"volume{seed}-{n}" for n in range(count)],
        image.clip(0, 255).astype(np.uint8),
        np.broadcast_to(cells, (count, *size)).astype(np.uint16),
    )


def write_tubes(path: Path, size: tuple[int, int, int] = (12, 40, 40)) -> Path:
    write_samples(path, {split: tubes(1, n, size) for n, split in enumerate(("training", "validation", "test"), 1)})
    return path


def volume_settings(run: Run, fidelity: Fidelity | None = None, **training) -> RunSettings:
    changes = {
        "shifts": ((1, 2), (1, 3), (1, 3)),
        "reach": 1,
        "fidelity": fidelity or Fidelity(),
        "canvas": (12, 40, 40),
        "padding": "reflect",
        "augment": Augment(crop=(8, 32, 32), transpose=0.5, grayscale=0.5),
    }
    return settings(run, **training).model_copy(update=changes)


def settings(run: Run, **training) -> RunSettings:
    options = {"iterations": 8, "learning_rate": 0.01, "log_every": 2, "validate_every": 4, "eps": 1e-8, "amsgrad": False}
    return RunSettings(
        dataset=run.dataset,
        run=run.name,
        network=run.network,
        arguments=WIDTHS[run.network],
        method=run.method,
        changes=dict(run.changes),
        teacher=run.taught_by.name if run.taught_by else None,
        seed=run.seed,
        shifts=((1, 3, 9), (1, 3, 9)),
        reach=9,
        fidelity=Fidelity(),
        normalisation="unit",
        canvas=(48, 48),
        padding="zero",
        augment=Augment(crop=(32, 32), rotate=0.5, transpose=0.5),
        training=Training(**{**options, **training}),
    )


def train_into(
    runs: list[RunSettings], samples: Path, folders: list[Path], state: Path, teacher=None, **options
) -> list[TrainingRecord]:
    """Train on the CPU, and hand over what did not fail."""
    found = train(runs, ["code"] * len(runs), samples, state, torch.device("cpu"), teacher, **options)
    for trained, folder in zip(found, folders, strict=True):
        if not trained.failure:
            trained.folder(state).hand_over(folder)
    return found
