"""Labels file → scores, one line per image or volume."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from grd.data.store import read_labels, read_split
from grd.errors import GrdError
from grd.metrics.instances import score_instances
from grd.metrics.partitions import score_partition
from grd.system.files import write_text

SCORES: dict[int, Callable[..., dict[str, float]]] = {2: score_instances, 3: score_partition}
"""Scores by spatial rank: images are scored by their instances, volumes by their partition."""


def write_score_file(labels: Path, samples: Path, split: str, out: Path) -> None:
    """Score a labels file against a split of a samples file, and write a csv with one line per sample.

    A line has the sample's name under `image`, and every metric: for images (n, H, W) fractions and a count (`dic`), for volumes
    (n, Z, Y, X) bits (`voi`) and a fraction (`arand`).
    """
    names, predictions = read_labels(labels)
    truth = read_split(samples, split)
    if names != truth.names:
        raise GrdError(
            f"{labels}: expected the {len(truth.names)} images of {samples}, {split}, found others; delete it and rerun"
        )
    score = SCORES[truth.labels.ndim - 1]
    rows = [score(*pair) for pair in zip(predictions, truth.labels, strict=True)]
    table = pd.DataFrame(rows, index=pd.Index(names, name="image"))
    write_text(out, table.to_csv(float_format="%.6f"))
