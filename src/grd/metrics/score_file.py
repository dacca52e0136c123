"""Labels file → scores, one line per image or volume."""

from pathlib import Path

import pandas as pd

from grd.data.store import Split, read_labels, read_split, segmenters_of
from grd.errors import GrdError
from grd.metrics.scoring import SCORES
from grd.system.files import write_text


def write_score_file(labels: Path, samples: Path, out: Path) -> None:
    """Score a labels file against the test split of a samples file, and write a csv with one line per segmenter and sample.

    A line has the names of both under `segmenter` and `image`, and every metric: for images (n, H, W) fractions and a count
    (`dic`), for volumes (n, Z, Y, X) bits (`voi`) and a fraction (`arand`).
    """
    truth = read_split(samples, "test")
    tables = [_scores(labels, segmenter, samples, truth) for segmenter in segmenters_of(labels)]
    write_text(out, pd.concat(tables).to_csv(index=False, float_format="%.6f"))


def read_scores(path: Path, segmenter: str) -> pd.DataFrame:
    """The lines of a score file for one segmenter, by image."""
    table = pd.read_csv(path, dtype={"segmenter": str, "image": str}, keep_default_na=False, na_values={}).set_index("image")
    return table[table["segmenter"] == segmenter].drop(columns="segmenter")


def _scores(labels: Path, segmenter: str, samples: Path, truth: Split) -> pd.DataFrame:
    names, predictions = read_labels(labels, segmenter)
    if names != truth.names:
        raise GrdError(f"{labels}: expected the {len(truth.names)} images of {samples}, test, found others; delete it and rerun")
    score = SCORES[truth.labels[0].ndim]
    rows = [score(*pair) for pair in zip(predictions, truth.labels, strict=True)]
    return pd.DataFrame([{"segmenter": segmenter, "image": name, **row} for name, row in zip(names, rows, strict=True)])
