"""Graph relation distillation for efficient biomedical instance segmentation.

The road: archives → samples (`data`) → model (`training`) → affinities (`inference`) → instances (`segmentation`)
→ scores (`metrics`) → tables and figures (`reporting`).
"""
