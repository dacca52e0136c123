"""A batch as trainings see it: its targets, and the outputs of a network for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grd.data.batches import Batch, Geometry
from grd.distillation.method import View
from grd.errors import GrdError, error_location
from grd.losses.affinity import affinity_targets, existing_pairs, pairs_of_one_origin
from grd.networks.base import EmbeddingNetwork, feature_taps
from grd.project.offsets import Offset
from grd.project.run import RunSettings
from grd.system.devices import autocast


@dataclass(frozen=True)
class Supervision:
    """Targets of a batch, computed once for all students: bool (B, C, *spatial), and the mask of pairs that exist.

    The mask is (C, *spatial), or (B, C, *spatial) or (1, C, *spatial) for batches with an `origin`.
    """

    targets: Tensor
    exist: Tensor

    @classmethod
    def of(cls, batch: Batch, offsets: Sequence[Offset]) -> "Supervision":
        """The affinity targets of a batch."""
        labels, targets = batch.labels, affinity_targets(batch.labels, offsets)
        if batch.origin is None:
            return cls(targets, existing_pairs(offsets, labels.shape[1:], labels.device))
        return cls(targets, pairs_of_one_origin(batch.origin, offsets))


def in_memory_format(network: EmbeddingNetwork, settings: RunSettings) -> EmbeddingNetwork:
    """The network in the run's memory layout."""
    return network.to(memory_format=memory_format(settings))  # type: ignore[call-overload]


def memory_format(settings: RunSettings) -> torch.memory_format:
    """Channels last if the run asks for it."""
    if not settings.training.channels_last:
        return torch.contiguous_format
    return torch.channels_last if len(settings.canvas) == 2 else torch.channels_last_3d


def view(
    network: EmbeddingNetwork,
    batch: Batch,
    levels: Sequence[int],
    settings: RunSettings,
    instances: int,
) -> View:
    """A network's outputs for a batch, in the run's precision."""
    images = batch.images.contiguous(memory_format=memory_format(settings))
    with feature_taps(network, levels) as taps, autocast(images.device, settings.training.precision):
        embedding = network(images)
    return View(embedding, taps, batch.own_labels, settings.near, instances)


def geometry_of(network: EmbeddingNetwork, settings: RunSettings) -> Geometry:
    """Sizes of a network's inputs and outputs in a run; GrdError for a crop or canvas that the network does not take, and for
    offsets that no two pixels of its output have."""
    crop = settings.augment.crop
    with error_location(f"config, canvas and augment.crop of {settings.dataset}"):
        outputs = network.output_size(settings.canvas), network.output_size(crop)
        check_offsets(settings.offsets, outputs[1])
    return Geometry(settings.canvas, settings.padding, *outputs, network.nearest_size)


def check_offsets(offsets: Sequence[Offset], output: Sequence[int]) -> None:
    """GrdError for an offset that no two pixels or voxels of an output of this size have: no loss would train its affinity."""
    lost = [abs(step) for offset in offsets for step, side in zip(offset, output, strict=True) if abs(step) >= side]
    if lost:
        raise GrdError(
            f"expected shifts below the sides of the network's output for a crop, {' x '.join(map(str, output))}, found "
            f"{max(lost)}; leave it out of `shifts`, or enlarge augment.crop"
        )
