"""Eq. 1–8 of the paper, on embeddings (B, D, *spatial), labels (B, *spatial) and offsets of the same spatial rank."""
