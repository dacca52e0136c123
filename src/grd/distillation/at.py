"""AT, attention transfer: Zagoruyko & Komodakis, Paying more attention to attention, 2017 (the paper's [15])."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from grd.distillation.method import Method, Moment, View


def attention_map(features: Tensor) -> Tensor:
    """Attention maps Q / ‖Q‖ (B, pixels), with Q = Σ_c F_c², of features F (B, C, *spatial)."""
    return F.normalize(features.square().sum(1).flatten(1), dim=1)


class AT(Method):
    """‖Q_S / ‖Q_S‖ - Q_T / ‖Q_T‖‖² per stage, mean over the batch, sum over stages (its Eq. 2, squared).

    The code of the paper's AT rows is not public, so stages and weight are our choice. Stages are the decoder (or backbone)
    features at levels 3, 2 and 1, which every network of the paper has. The weight in the AT paper is 1000 divided by the number
    of map elements; ours, 1, does not depend on the map's size (its gradient is 0.1 to 0.9 times that of L_aff on the demo). At
    544 x 544 it is 5 times the canonical weight of the deepest stage and 74 times that of the shallowest.
    """

    levels: ClassVar[tuple[int, ...]] = (3, 2, 1)
    weights: Mapping[str, float] = {"attention": 1.0}

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The attention term."""
        stages = [
            (attention_map(student.taps[level]) - attention_map(teacher.taps[level])).square().sum(1).mean()
            for level in self.used_levels
        ]
        return {"attention": sum(stages[1:], stages[0])}
