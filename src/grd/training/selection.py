"""Choice of a training's weights on validation data: by loss, by score, or the last.

Tables report scores, and L_aff, a regression loss that balances its classes, ranks trainings in another order; so images are
selected by the score that the table shows first. Volumes are selected by loss: one score of a volume costs an agglomeration of
all of it, minutes for each checkpoint, and one validation volume gives one score.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from grd.data.batches import Batch, DeviceSplit, Geometry
from grd.data.padding import crop_to
from grd.distillation import SCORE, VALIDATION
from grd.errors import GrdError
from grd.losses.affinity import affinities, affinity_loss
from grd.metrics import scoring
from grd.networks.base import EmbeddingNetwork
from grd.project.run import RunSettings, Selection
from grd.segmentation import segment
from grd.training.view import Supervision, view

Measures = dict[str, float]
Pause = Callable[[], None]


def validation_loss(
    network: EmbeddingNetwork, validation: DeviceSplit, settings: RunSettings, geometry: Geometry, pause: Pause
) -> Measures:
    """`validation`, the mean of L_aff (Eq. 6, as the run reads it) over whole images, or tiles of volumes.

    `pause` is called between batches.
    """
    passes = _passes(network, validation, settings, geometry, pause)
    return {VALIDATION: _mean((_loss(affinity, batch, settings), len(batch.labels)) for batch, affinity in passes)}


def validation_loss_and_score(
    network: EmbeddingNetwork, validation: DeviceSplit, settings: RunSettings, geometry: Geometry, pause: Pause
) -> Measures:
    """The same, and `validation_score`, the mean over images of the score that selects; GrdError if the run names none."""
    if settings.selection is None:
        raise GrdError(f"{settings.run}: expected the score that selects weights, found none; set `selection`, or `select: loss`")
    losses, pairs = list[tuple[Tensor, int]](), list[tuple[np.ndarray, np.ndarray]]()
    for batch, affinity in _passes(network, validation, settings, geometry, pause):
        losses.append((_loss(affinity, batch, settings), len(batch.labels)))
        pairs += segment_batch(affinity, batch, settings, settings.selection)
    return {VALIDATION: _mean(iter(losses)), SCORE: scoring.mean_scores(pairs)[settings.selection.metric]}


MEASURES: Mapping[str, Callable[..., Measures]] = {
    "loss": validation_loss,
    "last": validation_loss,
    "score": validation_loss_and_score,
}
"""Measurements of a network on validation data, by `select`."""


def selection_value(measures: Mapping[str, float], settings: RunSettings, step: int) -> float:
    """The number by which weights are selected; the highest wins, and among equals the first."""
    match settings.training.select, settings.selection:
        case "last", _:
            return step
        case "score", Selection(metric=metric):
            return scoring.merit(metric, measures[SCORE])
    return -measures[VALIDATION]


def describe(settings: RunSettings, step: int) -> str:
    """How the weights of this step were selected, for the card: `step 2500 of 3000: highest aji by segmenter mutex on …`."""
    where = f"step {step} of {settings.training.iterations}"
    match settings.training.select, settings.selection:
        case "score", Selection(metric=metric, name=name):
            best = "lowest" if metric in scoring.LOWER_IS_BETTER else "highest"
            return f"{where}: {best} {metric} by segmenter {name} on validation images"
        case "loss", _:
            return f"{where}: lowest L_aff on validation data"
    return f"{where}: the last"


def segment_batch(
    affinity: Tensor, batch: Batch, settings: RunSettings, selection: Selection
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Segmentation and truth (*size) of each image of a batch, from affinities (B, C, *canvas) at all supervised offsets."""
    near = [n for n, offset in enumerate(settings.offsets) if offset in settings.near]
    size = batch.size or tuple(batch.labels.shape[1:])
    truths = crop_to(batch.labels, size).cpu().numpy()

    def instances(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return segment(maps, settings.near, selection.segmenter, truth, size)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # the watershed releases Python's lock
        yield from zip(pool.map(instances, affinity[:, near].cpu().numpy(), truths), truths, strict=True)


def _passes(
    network: EmbeddingNetwork, validation: DeviceSplit, settings: RunSettings, geometry: Geometry, pause: Pause
) -> Iterator[tuple[Batch, Tensor]]:
    """Batches of validation samples and their affinities (B, C, *canvas)."""
    for batch in validation.evaluation_batches(geometry, settings.training.batch_size):
        pause()
        yield batch, affinities(view(network, batch, (), settings, 1).unit_vectors, settings.offsets)


def _loss(affinity: Tensor, batch: Batch, settings: RunSettings) -> Tensor:
    supervision = Supervision.of(batch, settings.offsets)
    return affinity_loss(affinity, supervision.targets, supervision.exist, settings.fidelity.supervised)


def _mean(losses: Iterator[tuple[Tensor, int]]) -> float:
    """Mean over samples of batch means with their numbers of samples; GrdError without any."""
    found = list(losses)
    if not found:
        raise GrdError("expected validation images, found none; name some in the split")
    total = torch.stack([loss * count for loss, count in found]).sum()
    return float(total / sum(count for _, count in found))
