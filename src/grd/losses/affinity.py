"""Pixel affinities and the supervised loss L_aff (Sec. III-B, Eq. 6).

Channel c of an affinity map relates pixel p to pixel p + offset_c. Pairs that leave the image do not exist: affinity and
target are 0 there, and every loss leaves them out. (The released code wraps around and counts those pairs in Eq. 5.)
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from grd.project.offsets import Offset

Index = tuple[Any, ...]
Reading = Literal["paper", "released"]

EPSILON = 1e-8


def pair(offset: Offset) -> tuple[Index, Index]:
    """Slices of the pixels p whose partner p + offset lies in the image, and of those partners, for (…, *spatial)."""
    here = tuple(slice(max(0, -o), -o if o > 0 else None) for o in offset)
    there = tuple(slice(max(0, o), o if o < 0 else None) for o in offset)
    return (..., *here), (..., *there)


def _dot(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """Add the dot products over channels, (B, D, …) · (B, D, …), to `out` (B, …).

    One channel at a time: what is read and written stays in cache, ten times faster on CPU than a product and a sum.
    """
    for channel in range(left.shape[1]):
        out.addcmul_(left[:, channel], right[:, channel])
    return out


class _Unit(torch.autograd.Function):
    """x / ‖x‖ over channels, with d/dx = (g - u (u·g)) / ‖x‖."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:
        squares = _dot(vectors, vectors, torch.zeros_like(vectors[:, 0]))
        scale = squares.clamp_min_(EPSILON**2).rsqrt_().unsqueeze(1)
        units = vectors * scale
        ctx.save_for_backward(units, scale)
        return units

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (units, scale), (gradient,) = ctx.saved_tensors, gradients
        along = _dot(units, gradient, torch.zeros_like(units[:, 0]))
        return torch.addcmul(gradient, units, along.unsqueeze(1), value=-1).mul_(scale)


def unit(embedding: Tensor) -> Tensor:
    """Embeddings (B, D, *spatial) at unit length over D."""
    return _Unit.apply(embedding)


class _PairwiseDots(torch.autograd.Function):
    """Dot products of displaced vectors, with a gradient that keeps no temporary per offset."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, offsets: Sequence[Offset]) -> Tensor:
        ctx.save_for_backward(vectors)
        ctx.offsets = offsets
        dots = vectors.new_zeros(vectors.shape[0], len(offsets), *vectors.shape[2:])
        for channel, offset in enumerate(offsets):
            here, there = pair(offset)
            _dot(vectors[here], vectors[there], dots[:, channel][here])
        return dots

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (vectors,), (dots,) = ctx.saved_tensors, gradients
        total = torch.zeros_like(vectors)
        for channel, offset in enumerate(ctx.offsets):
            here, there = pair(offset)
            weight = dots[:, channel : channel + 1][here]
            total[here].addcmul_(weight, vectors[there])
            total[there].addcmul_(weight, vectors[here])
        return total, None


def affinities(vectors: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """a_{n,p} = Cos(e_p, e_{p+n}) of unit vectors (B, D, *spatial) → (B, C, *spatial) in [-1, 1]."""
    return _PairwiseDots.apply(vectors, offsets)


def affinity_targets(labels: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Â of labels (B, *spatial) → bool (B, C, *spatial): same label.

    The background of images is one instance; in volumes label 0 is border or unlabelled, and like nothing, itself included.
    (The released code compares adjacent sections where z-offsets of 2, 3 and 4 are meant: not imitated.)
    """
    volumes = labels.dim() == 4
    targets = labels.new_zeros(labels.shape[0], len(offsets), *labels.shape[1:], dtype=torch.bool)
    for channel, offset in enumerate(offsets):
        here, there = pair(offset)
        torch.eq(labels[here], labels[there], out=targets[:, channel][here])
    return targets & (labels > 0).unsqueeze(1) if volumes else targets


def inside(offsets: Sequence[Offset], spatial: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Which pairs exist: bool (C, *spatial)."""
    exist = torch.zeros(len(offsets), *spatial, dtype=torch.bool, device=device)
    for channel, offset in enumerate(offsets):
        exist[channel][pair(offset)[0]] = True
    return exist


def class_weights(targets: Tensor, exist: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of positive and negative pairs that balance the classes, broadcastable to targets (B, C, *spatial).

    With f the share of positives, clipped to [0.05, 0.99]: f > ½ gives negatives f / (1 - f), else positives (1 - f) / f.
    Images: one f for all channels of an image, in which pairs that leave the image count as positives. Volumes: one f per
    channel, of the pairs that exist. Released code only.
    """
    if targets.dim() == 4:
        positives = (targets | ~exist).float().mean((1, 2, 3), keepdim=True).clamp(0.05, 0.99)
    else:
        existing = exist.sum((1, 2, 3), keepdim=True).clamp(min=1)
        positives = ((targets & exist).sum((2, 3, 4), keepdim=True) / existing).clamp(0.05, 0.99)
    ones = torch.ones_like(positives)
    many = positives > 0.5
    return torch.where(many, ones, (1 - positives) / positives), torch.where(many, positives / (1 - positives), ones)


def affinity_loss(affinity: Tensor, targets: Tensor, exist: Tensor, reading: Reading = "released") -> Tensor:
    """L_aff = ‖A^S - Â‖ (Eq. 6) of affinities and targets (B, C, *spatial), pairs that exist (C, *spatial).

    paper: mean of squared differences over B, C and pixels. released: squared differences weighted by `class_weights`,
    mean over B and pixels, *summed* over C (so C times larger); the mean is over all pixels of an image, but over the
    pairs that exist of a volume.
    """
    squared = (affinity - targets.to(affinity.dtype)).square()
    if reading == "paper":
        return (squared * exist).mean()
    weights = torch.where(targets, *class_weights(targets, exist)).to(affinity.dtype).masked_fill(~exist, 0)
    if targets.dim() == 4:
        return (squared * weights).mean() * affinity.shape[1]
    existing = exist.flatten(1).sum(1).clamp(min=1)
    return ((squared * weights).flatten(2).sum((0, 2)) / (existing * len(affinity))).sum()
