"""Labels file → scores, one line per image."""

from pathlib import Path

import pandas as pd

from grd.data.store import read_labels, read_split, write_text
from grd.errors import GrdError
from grd.metrics.instances import score_instances


def score_split(labels: Path, samples: Path, split: str, out: Path) -> None:
    """Scores of every image of a split as csv: image, and every metric as a fraction (dic: a count)."""
    names, predictions = read_labels(labels)
    truth = read_split(samples, split)
    if names != truth.names:
        raise GrdError(
            f"{labels}: expected the {len(truth.names)} images of {samples}, {split}; found others; delete it and rerun"
        )
    rows = [score_instances(*pair) for pair in zip(predictions, truth.labels, strict=True)]
    table = pd.DataFrame(rows, index=pd.Index(names, name="image"))
    write_text(out, table.to_csv(float_format="%.6f"))
