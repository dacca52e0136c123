"""BISKD: Liu et al., Efficient biomedical instance segmentation via knowledge distillation, 2022 (the paper's [18])."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from grd.distillation.method import Method, Moment, View
from grd.losses.affinity_graph import intra_affinity_loss
from grd.losses.instance_graph import edge_loss, node_loss


class BISKD(Method):
    """The intra-image terms λ₁ L_Node + λ₂ L_Edge + λ₃ L_AGD on the embedding (Eq. 3, 5).

    That is what the paper's BISKD rows are: Table II's T1 & S2 row is Table IV's row without inter-image terms. (BISKD's
    own code adds further levels through convolutions that it never trains.)
    """

    weights: ClassVar[Mapping[str, float]] = {"node": 0.1, "edge": 0.1, "affinity_graph": 10.0}

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """Node, edge and affinity terms within each image."""
        (ours, present), (theirs, _) = student.nodes, teacher.nodes
        return {
            "node": node_loss(ours, theirs, present),
            "edge": edge_loss(ours, theirs, present, self.fidelity.edges),
            "affinity_graph": intra_affinity_loss(student.affinities, teacher.affinities, self.fidelity.intra_affinity),
        }
