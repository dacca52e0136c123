"""GRD, graph relation distillation: the paper's own method (Sec. III, Eq. 8)."""

from collections.abc import Mapping

from torch import Tensor

from grd.data.randomness import generator
from grd.distillation.biskd import BISKD
from grd.distillation.method import Context, Moment, View
from grd.losses.affinity_graph import inter_affinity_loss
from grd.losses.instance_graph import inter_edge_loss
from grd.losses.memory_bank import MemoryBank


class GRD(BISKD):
    """BISKD's terms and the inter-image terms λ₄ L_Edge^Inter (Eq. 4) and λ₅ L_AGD^Inter (Eq. 7).

    A memory bank holds K = 32 teacher images, of which every step draws L = 12. The weights λ₁ … λ₅ are 0.1, 0.1, 10, 1, 1
    (below Eq. 8).
    """

    weights: Mapping[str, float] = {**BISKD.weights, "inter_edge": 1.0, "inter_affinity": 1.0}
    options: Mapping[str, float] = {"queue_size": 32, "sampling_number": 12}

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.factor = context.inter_affinity_factor
        self.bank = MemoryBank(int(self.options["queue_size"]), context.instances, context.dimension)

    def terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """All five terms; the inter-image ones are 0 while the bank is empty."""
        terms = super().terms(student, teacher, moment) | self.inter_terms(student, teacher, moment)
        self.bank.enqueue(*teacher.nodes, teacher.gram(self.fidelity.inter_affinity))
        return terms

    def inter_terms(self, student: View, teacher: View, moment: Moment) -> dict[str, Tensor]:
        """Edge and affinity terms between this batch and images of the bank."""
        if len(self.bank) == 0:
            zero = student.embedding.new_zeros(())
            return {"inter_edge": zero, "inter_affinity": zero}
        draw = generator(moment.seed, "bank", moment.step)
        bank, bank_present, grams = self.bank.sample(int(self.options["sampling_number"]), draw)
        (ours, present), (theirs, _) = student.nodes, teacher.nodes
        reading = self.fidelity.inter_affinity
        return {
            "inter_edge": inter_edge_loss(ours, theirs, present, bank, bank_present, self.fidelity.edges),
            "inter_affinity": inter_affinity_loss(student.unit_vectors, teacher.unit_vectors, grams, reading, self.factor),
        }
