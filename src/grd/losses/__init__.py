"""Losses of Sec. III, Eq. 1–7, on embeddings (B, D, *spatial), labels (B, *spatial) and offsets of the same spatial rank.

Their weighted sum, Eq. 8, is `grd.training.student.Student.terms`. A parameter `reading` chooses between the paper's equation and
the released code.
"""
