"""SPKD: Tung & Mori, Similarity-preserving knowledge distillation, 2019 (the paper's [14])."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from grd.distillation.method import Method, Moment, View


def batch_similarity(features: Tensor) -> Tensor:
    """Q Qᵀ of the batch's flattened features, rows at unit length: (B, C, *spatial) → (B, B)."""
    flat = features.flatten(1)
    return F.normalize(flat @ flat.T, dim=1)


class SPKD(Method):
    """‖G_S - G_T‖²_F / B² on one late layer (there Eq. 4).

    No code of the paper's SPKD rows is public: layer (level 3, or the deepest above it) and weight are our choice. Its own
    weight, 3000, made its gradient on the demo up to 275 times that of L_aff; ours is a tenth of it. With the paper's batch of
    2, G is a 2 x 2 matrix of unit rows: two numbers are all that the teacher passes on per step. The signal is weak, and that
    is a property of the method on dense prediction, not of this code.
    """

    levels: ClassVar[tuple[int, ...]] = (3, 2, 1)
    weights: Mapping[str, float] = {"similarity": 300.0}

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The similarity term."""
        level = self.chosen[0]
        ours, theirs = (batch_similarity(view.taps[level]) for view in (student, teacher))
        return {"similarity": F.mse_loss(ours, theirs)}
