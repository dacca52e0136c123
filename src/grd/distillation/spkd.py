"""SPKD, similarity preservation: Tung & Mori, Similarity-preserving knowledge distillation, 2019 (the paper's [14])."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from grd.distillation.method import Method, Moment, View


def batch_similarity(features: Tensor) -> Tensor:
    """Similarities G (B, B) of a batch: rows of Q Qᵀ at unit length, Q being the features (B, C, *spatial), flattened."""
    flat = features.flatten(1)
    return F.normalize(flat @ flat.T, dim=1)


class SPKD(Method):
    """‖G_S - G_T‖²_F / B² on one late layer (its Eq. 4).

    The code of the paper's SPKD rows is not public, so layer (level 3, or the deepest one above it) and weight are our choice.
    The weight in the SPKD paper, 3000, makes the gradient on the demo up to 275 times that of L_aff; ours is a tenth of it. With
    the paper's batch of 2, G is a 2 x 2 matrix with rows of unit length, so the teacher gives only two numbers per step. This
    weak signal is a property of the method on dense prediction, not of this code. With one image G is the constant 1: the
    student would be the undistilled one, so a batch of 1 is refused.
    """

    levels: ClassVar[tuple[int, ...]] = (3, 2, 1)
    smallest_batch: ClassVar[int] = 2
    weights: Mapping[str, float] = {"similarity": 300.0}

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The similarity term."""
        level = self.used_levels[0]
        ours, theirs = (batch_similarity(view.taps[level]) for view in (student, teacher))
        return {"similarity": F.mse_loss(ours, theirs)}
