"""Instance graph distillation, IGD: nodes are mean embeddings of instances, edges their cosines (Sec. III-A, Eq. 1–4).

Nodes of a batch are (B, M, D), M being the largest id plus one; the mask `present` (B, M) marks the ids that occur. Id 0, the
background, is no instance. A fixed M keeps the shapes of all tensors from step to step, so that no step waits for the device.
"""

import torch
from torch import Tensor

from grd.losses.affinity import EPSILON, Reading


def nodes(embedding: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Nodes (B, M, D) and the mask of those present (B, M), with M = size (Eq. 1).

    v_i = 1 / |S^i| Σ_{p ∈ S^i} e_p

    embedding (B, D, *spatial), not normalised; labels (B, *spatial), integers below `size`.
    """
    batch, dimension = embedding.shape[:2]
    index = labels.flatten(1).long()
    sums = embedding.new_zeros(batch, dimension, size)
    sums = sums.scatter_add(2, index.unsqueeze(1).expand(-1, dimension, -1), embedding.flatten(2))
    counts = embedding.new_zeros(batch, size).scatter_add(1, index, embedding.new_ones(()).expand_as(index))
    present = counts > 0
    present[:, 0] = False
    return (sums / counts.clamp(min=1).unsqueeze(1)).transpose(1, 2), present


def unit_nodes(vectors: Tensor, detach_norms: bool) -> Tensor:
    """Vectors (…, D) divided by their lengths, so that dot products are the edges ε_ij = Cos(v_i, v_j) (Eq. 2).

    With `detach_norms` the gradient treats the lengths as constants.
    """
    norms = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp(min=EPSILON)
    return vectors / (norms.detach() if detach_norms else norms)


def mean_per_image(total: Tensor, count: Tensor) -> Tensor:
    """Quotient of `total` and `count` (…,), 0 if an image has nothing to average."""
    return torch.where(count > 0, total / count.clamp(min=1), torch.zeros_like(total))


def node_loss(student: Tensor, teacher: Tensor, present: Tensor) -> Tensor:
    """Node loss L_Node^Intra of nodes (B, M, D), not squared; mean over images (Eq. 3).

    L_Node^Intra = 1 / |I| Σ_i ‖v_i^S - v_i^T‖₂
    """
    distances = torch.linalg.vector_norm(student - teacher, dim=-1) * present
    return mean_per_image(distances.sum(1), present.sum(1)).mean()


def edge_loss(student: Tensor, teacher: Tensor, present: Tensor, reading: Reading = "released") -> Tensor:
    """Edge loss L_Edge^Intra over all pairs of an image's nodes (B, M, D); mean over images (Eq. 3).

    L_Edge^Intra = 1 / |I|² Σ_ij ‖ε_ij^S - ε_ij^T‖₂

    paper: |ε^S - ε^T|, the norm of a number. released: its square, and cosines whose norms carry no gradient.
    """
    released = reading == "released"
    edges = [v @ v.transpose(1, 2) for v in (unit_nodes(student, released), unit_nodes(teacher, released))]
    difference = (edges[0] - edges[1]) * (present.unsqueeze(1) & present.unsqueeze(2))
    total = (difference.square() if released else difference.abs()).sum((1, 2))
    return mean_per_image(total, present.sum(1).square()).mean()


def inter_edge_loss(
    student: Tensor,
    teacher: Tensor,
    present: Tensor,
    bank: Tensor,
    bank_present: Tensor,
    reading: Reading = "released",
) -> Tensor:
    """Inter-image edge loss L_Edge^Inter between an image's nodes (B, M, D) and those of L bank images (L, M, D) (Eq. 4).

    L_Edge^Inter = 1 / (L |I^m| |I^l|) Σ_l Σ_ij ‖(ε_ij^ml)^S - (ε_ij^ml)^T‖₂, the mean over pairs, then over l and images

    Squared in both readings, since the paper calls it an MSE loss, by Gram matrices: Σ_ij ((s_i - t_i)·m_j)² = ⟨ΔᵀΔ, MᵀM⟩.
    released: the norms carry no gradient. (The released code's growing denominator, double counting and batch factor happen to
    multiply to 1.03, 0.91 on average over what its bank gives, and are left out.)
    """
    released = reading == "released"
    delta = (unit_nodes(student, released) - unit_nodes(teacher, released)) * present.unsqueeze(-1)
    memory = unit_nodes(bank, released) * bank_present.unsqueeze(-1)
    pairs = present.sum(1).unsqueeze(1) * bank_present.sum(1).unsqueeze(0)
    total = torch.einsum("bde,lde->bl", delta.transpose(1, 2) @ delta, memory.transpose(1, 2) @ memory)
    return mean_per_image(total, pairs).mean()
