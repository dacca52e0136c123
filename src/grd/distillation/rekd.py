"""ReKD: Chen, Liu, Zhao & Jia, Distilling knowledge via knowledge review, 2021 (the paper's [17])."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grd.distillation.method import Context, Method, Moment, View

LEVELS = (4, 2, 1)
MIDDLE = 64
RAMP = 1 / 12  # 20 of its 240 epochs


def context_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Hierarchical context loss: mean squared error at full size (weight 1) and of pools to 4, 2, 1 (1/2, 1/4, 1/8)."""
    total, weights = F.mse_loss(student, teacher), 1.0
    for number, size in enumerate(LEVELS, start=1):
        if size < student.shape[-1]:
            ours, theirs = (F.adaptive_avg_pool2d(features, size) for features in (student, teacher))
            total, weights = total + F.mse_loss(ours, theirs) / 2**number, weights + 1 / 2**number
    return total / weights


class AttentionFusion(nn.Module):
    """One review stage: the student's features, merged with those reviewed before, at the teacher's width."""

    def __init__(self, inputs: int, middle: int, outputs: int, first: bool) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(inputs, middle, 1, bias=False), nn.BatchNorm2d(middle))
        self.widen = nn.Sequential(nn.Conv2d(middle, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))
        self.attention = None if first else nn.Sequential(nn.Conv2d(2 * middle, 2, 1), nn.Sigmoid())

    def forward(self, features: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, I, h, w) and the deeper stage's (B, M, h', w') → (B, O, h, w) for the loss, (B, M, h, w) to go on."""
        merged = self.narrow(features)
        if self.attention is not None and deeper is not None:
            deeper = F.interpolate(deeper, size=merged.shape[-2:], mode="nearest")
            gates = self.attention(torch.cat([merged, deeper], dim=1))
            merged = merged * gates[:, :1] + deeper * gates[:, 1:]
        return self.widen(merged), merged


class REKD(Method):
    """Student stages reviewed from deep to shallow by attention fusion, against the teacher's stages (there Eq. 6).

    The fusion blocks are trained with the student and thrown away with it. No code of the paper's ReKD rows is public:
    stages (strides 8, 4, 2), middle width (64) and weight (1, its scripts have 0.6 to 8;
    gradient 0.1 to 0.5 of L_aff's on the demo) are our choice. As there, the
    weight is ramped up over the first twelfth of the training.
    """

    strides: ClassVar[tuple[int, ...]] = (8, 4, 2)
    weights: ClassVar[Mapping[str, float]] = {"review": 1.0}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.fusions = nn.ModuleList(
            AttentionFusion(context.student[stride][0], MIDDLE, context.teacher[stride][0], first=number == 0)
            for number, stride in enumerate(self.strides)
        )

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The review term, ramped."""
        deeper, losses = None, []
        for stride, fusion in zip(self.strides, self.fusions, strict=True):
            reviewed, deeper = fusion(student.taps[stride], deeper)
            losses.append(context_loss(reviewed, teacher.taps[stride]))
        ramp = min(1.0, (moment.step + 1) / (RAMP * moment.iterations))
        return {"review": ramp * sum(losses[1:], losses[0])}
