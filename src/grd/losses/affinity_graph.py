"""Affinity graph distillation, AGD (Sec. III-B): pixel affinities within an image and between images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from grd.losses.affinity import Reading

POOL = 7


def intra_affinity_loss(student: Tensor, teacher: Tensor, reading: Reading = "released") -> Tensor:
    """L_AGD^Intra (Eq. 5) of affinities (B, C, *spatial), which are 0 for pairs that leave the image.

    "Mean square error" in the paper's words. paper: mean over B, C and pixels. released: summed over C (C times larger).
    """
    loss = (student - teacher).square().mean()
    return loss * student.shape[1] if reading == "released" else loss


def gram(vectors: Tensor) -> Tensor:
    """Second moment (B, D, D) of vectors (B, D, *spatial): the mean over pixels of e eᵀ."""
    flat = vectors.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def pooled(vectors: Tensor, reading: Reading) -> Tensor:
    """What Eq. 7 compares: every pixel (paper), or 7 x 7 means of unit vectors, not renormalised (released)."""
    if reading == "paper":
        return vectors
    pool = F.avg_pool2d if vectors.dim() == 4 else F.avg_pool3d
    return pool(vectors, (3, POOL, POOL)[-(vectors.dim() - 2) :], ceil_mode=True)


def inter_affinity_loss(student: Tensor, teacher: Tensor, bank_grams: Tensor, reading: Reading = "paper") -> Tensor:
    """L_AGD^Inter (Eq. 7): all affinities between an image's pixels and those of L bank images.

    student, teacher (B, D, *spatial) unit vectors; bank_grams (L, D, D), the second moments of the bank's maps. Exact
    without any HW x HW matrix, because both affinities share the bank's map m:
    mean_ij ((s_i - t_i)·m_j)² = ⟨mean_i Δ_iΔ_iᵀ, mean_j m_j m_jᵀ⟩.

    paper: every pixel, mean over l and images. released: on 7 x 7 pooled maps (its HW x HW matrix does not fit else),
    the CVPPP script's sum over l and images times B / L: B² times the mean. (Its other scripts forget to divide by L.)
    """
    delta = gram(pooled(student, reading) - pooled(teacher, reading))
    loss = torch.einsum("bde,lde->bl", delta, bank_grams).mean()
    return loss * student.shape[0] ** 2 if reading == "released" else loss
