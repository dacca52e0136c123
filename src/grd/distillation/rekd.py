"""ReKD, knowledge review: Chen, Liu, Zhao & Jia, Distilling knowledge via knowledge review, 2021 (the paper's [17])."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grd.data.padding import crop_to
from grd.distillation.method import Context, Method, Moment, View

POOL_SIZES = (4, 2, 1)
MIDDLE_WIDTH = 64
RAMP = 1 / 12  # of the training: 20 of the 240 epochs in the ReKD paper


def context_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Hierarchical context loss of features (B, C, *spatial).

    It is the weighted mean of the mean squared errors at full size (weight 1) and after pooling to 4, 2 and 1 pixels a side, of
    which those below the map's own side count. Each weighs half of the one before, as in ReKD's code: 1/2, 1/4, 1/8 for maps
    above 4 pixels, 1/2, 1/4 for maps of 4. Volumes are pooled within their sections.
    """
    pool = F.adaptive_avg_pool2d if student.dim() == 4 else _pool_sections
    total, weight, weights = F.mse_loss(student, teacher), 1.0, 1.0
    for size in POOL_SIZES:
        if size < student.shape[-1]:
            weight /= 2
            total = total + weight * F.mse_loss(pool(student, size), pool(teacher, size))
            weights += weight
    return total / weights


def _pool_sections(features: Tensor, size: int) -> Tensor:
    return F.adaptive_avg_pool3d(features, (features.shape[2], size, size))


def convolution(rank: int, inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Convolution without bias, then batch norm, for this spatial rank."""
    if rank == 2:
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs))
    return nn.Sequential(nn.Conv3d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm3d(outputs))


def gates(rank: int, inputs: int) -> nn.Sequential:
    """Two gates per pixel in [0, 1]: (B, I, *spatial) → (B, 2, *spatial)."""
    return nn.Sequential((nn.Conv2d if rank == 2 else nn.Conv3d)(inputs, 2, 1), nn.Sigmoid())


class AttentionFusion(nn.Module):
    """Review stage that merges the student's features with those of the deeper stage, at the teacher's width.

    `ratio` is the number of pixels of this stage that a pixel of the deeper one covers, per axis; None for the deepest stage.
    """

    def __init__(self, inputs: int, middle: int, outputs: int, rank: int, ratio: tuple[int, ...] | None) -> None:
        super().__init__()
        self.narrow, self.widen = convolution(rank, inputs, middle, 1), convolution(rank, middle, outputs, 3)
        self.ratio = ratio
        self.attention = None if ratio is None else gates(rank, 2 * middle)

    def forward(self, features: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features (B, O, *spatial) for the loss and (B, M, *spatial) for the next stage, from (B, I, *spatial) and (B, M, …)."""
        merged = self.narrow(features)
        if self.attention is not None and self.ratio is not None and deeper is not None:
            enlarged = F.interpolate(deeper, scale_factor=tuple(map(float, self.ratio)), mode="nearest")
            deeper = crop_to(enlarged, merged.shape[2:])
            weights = self.attention(torch.cat([merged, deeper], dim=1))
            merged = merged * weights[:, :1] + deeper * weights[:, 1:]
        return self.widen(merged), merged


class REKD(Method):
    """Context loss between the student's stages, fused by attention from deep to shallow, and the teacher's (its Eq. 6).

    The fusion blocks are trained with the student and discarded after the training. The code of the paper's ReKD rows is not
    public, so stages (levels 3, 2, 1, after their activation), middle width (64) and weight are our choice. The weight is 1
    (0.6 to 8 in ReKD's own scripts); its gradient is 0.1 to 0.7 times that of L_aff on the demo. As in ReKD's code, it rises
    linearly during the first twelfth of the training.
    """

    levels: ClassVar[tuple[int, ...]] = (3, 2, 1)
    weights: Mapping[str, float] = {"review": 1.0}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        deeper: tuple[int, ...] | None = None
        self.fusions = nn.ModuleList()
        for level in self.used_levels:
            scale = context.scales[level]
            ratio = deeper and tuple(below // here for below, here in zip(deeper, scale, strict=True))
            student, teacher = context.student[level][0], context.teacher[level][0]
            self.fusions.append(AttentionFusion(student, MIDDLE_WIDTH, teacher, len(scale), ratio))
            deeper = scale

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The review term, times the ramp."""
        deeper, losses = None, []
        for level, fusion in zip(self.used_levels, self.fusions, strict=True):
            reviewed, deeper = fusion(student.taps[level], deeper)
            losses.append(context_loss(reviewed, teacher.taps[level]))
        ramp = min(1.0, (moment.step + 1) / (RAMP * moment.iterations))
        return {"review": ramp * sum(losses[1:], losses[0])}
