"""Affinity graph distillation, AGD: pixel affinities within an image and between images (Sec. III-B, Eq. 5 and 7)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grd.losses.affinity import Reading

POOL = 7


def intra_affinity_loss(student: Tensor, teacher: Tensor, reading: Reading = "released") -> Tensor:
    """Intra-image loss L_AGD^Intra of affinities (B, C, *spatial), which are 0 for pairs that leave the image (Eq. 5).

    L_AGD^Intra = 1 / (N H W) Σ_n Σ_p ‖a^S_{n,p} - a^T_{n,p}‖₂, squared, since the paper calls it a mean square error

    paper: mean over B, C and pixels. released: sum over C (so C times larger).
    """
    loss = (student - teacher).square().mean()
    return loss * student.shape[1] if reading == "released" else loss


def gram(vectors: Tensor) -> Tensor:
    """Second moments (B, D, D) of vectors (B, D, *spatial): the mean of e_p e_pᵀ over pixels p."""
    flat = vectors.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def pool(vectors: Tensor, reading: Reading) -> Tensor:
    """Vectors that Eq. 7 compares: every pixel (paper), or means of the unit vectors over 7 x 7 pixels, of volumes over 3 x 7 x 7
    voxels, not renormalised (released)."""
    if reading == "paper":
        return vectors
    average = F.avg_pool2d if vectors.dim() == 4 else F.avg_pool3d
    return average(vectors, (3, POOL, POOL)[-(vectors.dim() - 2) :], ceil_mode=True)


def inter_affinity_loss(
    student: Tensor, teacher: Tensor, bank_grams: Tensor, reading: Reading = "paper", factor: float = 1.0
) -> Tensor:
    """Inter-image loss L_AGD^Inter: affinities of all pixels of an image with all pixels of L bank images (Eq. 7).

    L_AGD^Inter = 1 / (L (H W)²) Σ_l Σ_ij ‖(a_ij^ml)^S - (a_ij^ml)^T‖₂, squared, with a_ij^ml = Cos(e_i^m, e_j^l)

    student, teacher: unit vectors (B, D, *spatial); bank_grams: second moments (L, D, D) of the bank's maps. The result is
    exact without any HW x HW matrix, because both affinities share the bank's vectors m_j:
    mean_ij ((s_i - t_i)·m_j)² = ⟨mean_i Δ_i Δ_iᵀ, mean_j m_j m_jᵀ⟩ with Δ_i = s_i - t_i.

    paper: every pixel. released: maps averaged by `pool` (the HW x HW matrix does not fit otherwise). Both are `factor` times the
    mean over l and images. Eq. 7 has a factor of 1. The released scripts sum over 2 images and 12 maps: the one of CVPPP then
    multiplies by 2 / 12, which makes 4 times the mean; the others forget this, which makes 24 times the mean. (Their bank gives
    9.6 maps on average, not 12: see `MemoryBank`.)
    """
    delta = gram(pool(student, reading) - pool(teacher, reading))
    return factor * torch.einsum("bde,lde->bl", delta, bank_grams).mean()
