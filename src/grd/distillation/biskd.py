"""BISKD: Liu et al., Efficient biomedical instance segmentation via knowledge distillation, 2022 (the paper's [18])."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from grd.config.general import Fidelity
from grd.distillation.method import Context, Method, Moment, View
from grd.losses.affinity_graph import intra_affinity_loss
from grd.losses.instance_graph import edge_loss, node_loss


class BISKD(Method):
    """The intra-image terms λ₁ L_Node^Intra + λ₂ L_Edge^Intra + λ₃ L_AGD^Intra on the embedding (Eq. 3 and 5).

    These are the terms of the paper's BISKD rows: Table II's T1 & S2 row is Table IV's row without inter-image terms.

    For volumes, `fidelity: levels: released` adds the same terms at the decoder's levels 1 and 0, where a 1 x 1 x 1 convolution
    without bias gives the student's features the teacher's width. This convolution is trained. (The released code draws it anew
    in every step, and its labels at level 1 are not centred on the features; ours are.)
    """

    weights: Mapping[str, float] = {"node": 0.1, "edge": 0.1, "affinity_graph": 10.0}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.offsets, self.scales, self.instances = context.offsets, context.scales, context.instances
        self.projections = nn.ModuleList(
            nn.Conv3d(context.student[level][0], context.teacher[level][0], 1, bias=False) for level in self.used_levels
        )

    @classmethod
    def wanted_levels(cls, fidelity: Fidelity, rank: int) -> tuple[int, ...]:
        """Decoder levels of the released code for volumes; none otherwise."""
        return (1, 0) if fidelity.levels == "released" and rank == 3 else ()

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """Node, edge and affinity terms within each image, each summed over levels."""
        terms = self.intra_terms(student, teacher)
        for level, projection in zip(self.used_levels, self.projections, strict=True):
            projected = projection(student.taps[level])
            views = [self.level_view(features, student, level) for features in (projected, teacher.taps[level])]
            terms = {name: terms[name] + term for name, term in self.intra_terms(*views).items()}
        return terms

    def intra_terms(self, student: View, teacher: View) -> dict[str, Tensor]:
        """Node, edge and affinity terms of one level."""
        (ours, present), (theirs, _) = student.nodes, teacher.nodes
        return {
            "node": node_loss(ours, theirs, present),
            "edge": edge_loss(ours, theirs, present, self.fidelity.edges),
            "affinity_graph": intra_affinity_loss(student.affinities, teacher.affinities, self.fidelity.intra_affinity),
        }

    def level_view(self, features: Tensor, view: View, level: int) -> View:
        """View of the features (B, C, *spatial) of a level, within the labels."""
        features, labels = align_labels(features, view.labels, self.scales[level])
        return View(features, {}, labels, self.offsets, self.instances)


def align_labels(features: Tensor, labels: Tensor, scale: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Features (B, C, *t) inside the concentric labels (B, *s), and the label at the centre of each.

    A feature covers `scale` pixels per axis; features outside the labels are cut off.
    """
    for axis, step in enumerate(scale):
        have, want = features.shape[2 + axis], labels.shape[1 + axis]
        start = (step - 1) // 2 - (have * step - want) // 2
        inside = [n for n in range(have) if 0 <= start + n * step < want]
        features = features.narrow(2 + axis, inside[0], len(inside))
        first = start + inside[0] * step
        labels = labels[(slice(None),) * (1 + axis) + (slice(first, first + (len(inside) - 1) * step + 1, step),)]
    return features, labels
