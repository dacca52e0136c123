"""Instance graph distillation, IGD (Sec. III-A): nodes are mean embeddings of instances, edges their cosines.

Nodes of a batch are (B, M, D) with M the largest id plus one; `present` (B, M) says which exist. Id 0, the background, is
no instance. A fixed M keeps every tensor's shape the same from step to step: no waiting for the device.
"""

import torch
from torch import Tensor

from grd.losses.affinity import EPSILON, Reading


def nodes(embedding: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """v_i = mean of e_p over instance i (Eq. 1), of raw embeddings.

    embedding (B, D, *spatial), labels (B, *spatial) integer below `size` → nodes (B, M, D), present (B, M), M = size.
    """
    batch, dimension = embedding.shape[:2]
    index = labels.flatten(1).long()
    sums = embedding.new_zeros(batch, dimension, size)
    sums = sums.scatter_add(2, index.unsqueeze(1).expand(-1, dimension, -1), embedding.flatten(2))
    counts = embedding.new_zeros(batch, size).scatter_add(1, index, embedding.new_ones(()).expand_as(index))
    present = counts > 0
    present[:, 0] = False
    return (sums / counts.clamp(min=1).unsqueeze(1)).transpose(1, 2), present


def directions(vectors: Tensor, detach_norms: bool) -> Tensor:
    """Vectors (…, D) over their lengths; with detached norms the gradient treats the lengths as constants."""
    norms = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp(min=EPSILON)
    return vectors / (norms.detach() if detach_norms else norms)


def per_image(total: Tensor, count: Tensor) -> Tensor:
    """Mean per image (…,), 0 where an image has nothing to average."""
    return torch.where(count > 0, total / count.clamp(min=1), torch.zeros_like(total))


def node_loss(student: Tensor, teacher: Tensor, present: Tensor) -> Tensor:
    """L_Node^Intra (Eq. 3): mean over instances of ‖v_i^S - v_i^T‖₂, not squared; then mean over images."""
    distances = torch.linalg.vector_norm(student - teacher, dim=-1) * present
    return per_image(distances.sum(1), present.sum(1)).mean()


def edge_loss(student: Tensor, teacher: Tensor, present: Tensor, reading: Reading = "released") -> Tensor:
    """L_Edge^Intra (Eq. 3) over all pairs of an image's instances, divided by |I|²; mean over images.

    paper: |ε^S - ε^T| (the norm of a number). released: its square, and cosines whose norms carry no gradient.
    """
    released = reading == "released"
    edges = [v @ v.transpose(1, 2) for v in (directions(student, released), directions(teacher, released))]
    difference = (edges[0] - edges[1]) * (present.unsqueeze(1) & present.unsqueeze(2))
    total = (difference.square() if released else difference.abs()).sum((1, 2))
    return per_image(total, present.sum(1).square()).mean()


def inter_edge_loss(
    student: Tensor,
    teacher: Tensor,
    present: Tensor,
    bank: Tensor,
    bank_present: Tensor,
    reading: Reading = "released",
) -> Tensor:
    """L_Edge^Inter (Eq. 4): edges between an image's nodes (B, M, D) and those of L bank images (L, M, D).

    paper: mean of |ε^S - ε^T|. released: mean of squares, by Gram matrices,
    Σ_ij ((s_i - t_i)·m_j)² = ⟨ΔᵀΔ, MᵀM⟩, with detached norms; the released code's growing denominator, double counting and
    batch factor happen to multiply to 1.03 and are left out. Averaged over pairs, then over l and images.
    """
    released = reading == "released"
    delta = (directions(student, released) - directions(teacher, released)) * present.unsqueeze(-1)
    memory = directions(bank, released) * bank_present.unsqueeze(-1)
    pairs = present.sum(1).unsqueeze(1) * bank_present.sum(1).unsqueeze(0)
    if released:
        total = torch.einsum("bde,lde->bl", delta.transpose(1, 2) @ delta, memory.transpose(1, 2) @ memory)
    else:
        total = torch.einsum("bmd,lnd->blmn", delta, memory).abs().sum((2, 3))
    return per_image(total, pairs).mean()
