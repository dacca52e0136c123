"""Pixel affinities a_{n,p} = Cos(e_p, e_{p+n}) and the supervised loss L_aff = ‖A^S - Â‖₂ (Sec. III-B, Eq. 6).

Channel c of an affinity map relates pixel p to pixel p + offset_c. Pairs that leave the image do not exist: their affinities
and targets are 0, and no loss counts them. (For images the released code wraps around the border and counts these pairs in Eq.
5.) A batch may have a mask of its own, which leaves further pairs out of L_aff.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from grd.project.offsets import Offset

Index = tuple[Any, ...]
Reading = Literal["paper", "released"]

EPSILON = 1e-8


def pair_slices(offset: Offset) -> tuple[Index, Index]:
    """Slices of (…, *spatial) for the pixels p whose partner p + offset lies in the image, and for these partners."""
    here = tuple(slice(max(0, -o), -o if o > 0 else None) for o in offset)
    there = tuple(slice(max(0, o), o if o < 0 else None) for o in offset)
    return (..., *here), (..., *there)


def _dot(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """Add the dot products of (B, D, …) and (B, D, …) over the D channels to `out` (B, …), and return it.

    One channel at a time keeps the data in the cache: ten times faster on a CPU than a product and a sum.
    """
    for channel in range(left.shape[1]):
        out.addcmul_(left[:, channel], right[:, channel])
    return out


class _Unit(torch.autograd.Function):
    """u = x / ‖x‖ over channels, with the gradient (g - u (u·g)) / ‖x‖: `F.normalize(x, dim=1)` in fewer passes over memory."""

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


def unit_vectors(embedding: Tensor) -> Tensor:
    """Unit vectors e_p / ‖e_p‖ of embeddings (B, D, *spatial), in the same shape."""
    return _Unit.apply(embedding)


class _PairwiseDots(torch.autograd.Function):
    """Dot products of vectors and their partners at each offset, `(x[here] * x[there]).sum(1)`, with a gradient that keeps no
    temporary per offset."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, offsets: Sequence[Offset]) -> Tensor:
        ctx.save_for_backward(vectors)
        ctx.offsets = offsets
        dots = vectors.new_zeros(vectors.shape[0], len(offsets), *vectors.shape[2:])
        for channel, offset in enumerate(offsets):
            here, there = pair_slices(offset)
            _dot(vectors[here], vectors[there], dots[:, channel][here])
        return dots

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (vectors,), (dots,) = ctx.saved_tensors, gradients
        total = torch.zeros_like(vectors)
        for channel, offset in enumerate(ctx.offsets):
            here, there = pair_slices(offset)
            weight = dots[:, channel : channel + 1][here]
            total[here].addcmul_(weight, vectors[there])
            total[there].addcmul_(weight, vectors[here])
        return total, None


def affinities(vectors: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Affinities A of unit vectors (B, D, *spatial): (B, C, *spatial) in [-1, 1] (Sec. III-B 1).

    a_{n,p} = Cos(e_p, e_{p+n})
    """
    return _PairwiseDots.apply(vectors, offsets)


def affinity_targets(labels: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Targets Â of Eq. 6 from labels (B, *spatial): bool (B, C, *spatial), True for pairs with the same label.

    In images the background is one instance. In volumes label 0 is border or unlabelled, and its pairs are False. (For z-offsets
    of 2, 3 and 4 the released code compares adjacent sections; ours compares the sections that the offset says.)
    """
    targets = equal_pairs(labels, offsets)
    return targets & (labels > 0).unsqueeze(1) if labels.dim() == 4 else targets


def equal_pairs(values: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Mask of the pairs whose pixels have the same value in (B, *spatial): bool (B, C, *spatial)."""
    equal = values.new_zeros(values.shape[0], len(offsets), *values.shape[1:], dtype=torch.bool)
    for channel, offset in enumerate(offsets):
        here, there = pair_slices(offset)
        torch.eq(values[here], values[there], out=equal[:, channel][here])
    return equal


def pairs_of_one_origin(origin: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """Mask of the pairs that lie in the image or in one of its mirror images: bool (B, C, *spatial).

    origin (B, *spatial) is that of `Batch`. No pair crosses a border, at which an object and its mirror image meet, or lies in
    padding, whose numbers are negative.
    """
    return equal_pairs(origin, offsets) & (origin >= 0).unsqueeze(1)


def existing_pairs(offsets: Sequence[Offset], spatial: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Mask of the pairs that lie in the image: bool (C, *spatial)."""
    existing = torch.zeros(len(offsets), *spatial, dtype=torch.bool, device=device)
    for channel, offset in enumerate(offsets):
        existing[channel][pair_slices(offset)[0]] = True
    return existing


def class_weights(targets: Tensor, existing: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of positive and of negative pairs that balance the classes, broadcastable to targets (B, C, *spatial).

    f is the share of positives, clipped to [0.05, 0.99]. If f > ½, negatives weigh f / (1 - f) and positives 1; otherwise
    positives weigh (1 - f) / f and negatives 1. Images have one f for all channels, which counts pairs that leave the image as
    positives; with a mask (B, C, H, W) it counts only the pairs that exist. Volumes have one f per channel, over
    the pairs that exist. The paper has no weights; the released code has.
    """
    if existing.dim() == 4 and targets.dim() == 4:
        positives = (targets & existing).sum((1, 2, 3), keepdim=True) / existing.sum((1, 2, 3), keepdim=True).clamp(min=1)
    elif targets.dim() == 4:
        positives = (targets | ~existing).float().mean((1, 2, 3), keepdim=True)
    else:
        count = existing.sum((1, 2, 3), keepdim=True).clamp(min=1)
        positives = (targets & existing).sum((2, 3, 4), keepdim=True) / count
    positives = positives.clamp(0.05, 0.99)
    ones = torch.ones_like(positives)
    many = positives > 0.5
    return torch.where(many, ones, (1 - positives) / positives), torch.where(many, positives / (1 - positives), ones)


def affinity_loss(affinity: Tensor, targets: Tensor, existing: Tensor, reading: Reading = "released") -> Tensor:
    """Supervised loss L_aff of affinities and targets (B, C, *spatial), with the mask of existing pairs (C, *spatial) (Eq. 6).

    For images the mask may be (B, C, H, W), or (1, C, H, W).

    L_aff = ‖A^S - Â‖₂

    paper: squared differences, mean over B, C and pixels. released: squared differences times `class_weights`, mean over B and
    pixels, *sum* over C (so C times larger); the mean is over all pixels of an image, but over the existing pairs of a volume.
    """
    squared = (affinity - targets.to(affinity.dtype)).square()
    if reading == "paper":
        return (squared * existing).mean()
    weights = torch.where(targets, *class_weights(targets, existing)).to(affinity.dtype).masked_fill(~existing, 0)
    if targets.dim() == 4:
        return (squared * weights).mean() * affinity.shape[1]
    count = existing.flatten(1).sum(1).clamp(min=1)
    return ((squared * weights).flatten(2).sum((0, 2)) / (count * len(affinity))).sum()
