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
"""By spatial rank: images are scored by their instances, volumes by their partition."""


def score_split(labels: Path, samples: Path, split: str, out: Path) -> None:
    """Write the scores of a split as csv, one line per sample: its name under `image`, and every metric.

    Images (n, H, W) are scored by their instances, as fractions and a count (`dic`); volumes (n, Z, Y, X) by their
    partition, in bits (`voi`) and a fraction (`arand`).
    """
    names, predictions = read_labels(labels)
    truth = read_split(samples, split)
    if names != truth.names:
        raise GrdError(
            f"{labels}: expected the {len(truth.names)} images of {samples}, {split}; found others; delete it and rerun"
        )
    score = SCORES[truth.labels.ndim - 1]
    rows = [score(*pair) for pair in zip(predictions, truth.labels, strict=True)]
    table = pd.DataFrame(rows, index=pd.Index(names, name="image"))
    write_text(out, table.to_csv(float_format="%.6f"))
