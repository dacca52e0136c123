"""AT: Zagoruyko & Komodakis, Paying more attention to attention, 2017 (the paper's [15])."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from grd.distillation.method import Method, Moment, View


def attention_map(features: Tensor) -> Tensor:
    """Σ_c F_c², flattened, at unit length: (B, C, *spatial) → (B, pixels)."""
    return F.normalize(features.square().sum(1).flatten(1), dim=1)


class AT(Method):
    """‖Q_S / ‖Q_S‖ - Q_T / ‖Q_T‖‖² per stage, mean over the batch, summed over stages (there Eq. 2, squared).

    No code of the paper's AT rows is public: stages and weight are our choice. Stages are the decoder (or backbone)
    features at levels 3, 2 and 1, which every network of the paper has. AT's own weight is 1000 over the number of map elements;
    ours, 1, does not depend on the map's size (gradient 0.1 to 0.9 of L_aff's on the demo).
    """

    levels: ClassVar[tuple[int, ...]] = (3, 2, 1)
    weights: Mapping[str, float] = {"attention": 1.0}

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """The attention term."""
        stages = [
            (attention_map(student.taps[level]) - attention_map(teacher.taps[level])).square().sum(1).mean()
            for level in self.chosen
        ]
        return {"attention": sum(stages[1:], stages[0])}
