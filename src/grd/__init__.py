"""Graph relation distillation for efficient biomedical instance segmentation.

The pipeline: archives → samples (`data`) → model (`training`) → affinities (`inference`) → instances (`segmentation`)
→ scores (`metrics`) → tables and figures (`reporting`).
"""
