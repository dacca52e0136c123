"""Labels file → scores, one line per image or volume.

Jobs that only compute scores import this module too, so pandas, which takes a fifth of a second, is imported where it is used.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from grd.data.store import Split, read_labels, read_split, segmenters_of
from grd.errors import GrdError
from grd.metrics.instances import score_instances
from grd.metrics.partitions import score_partition
from grd.system.files import write_text

if TYPE_CHECKING:
    import pandas as pd

SCORES: dict[int, Callable[..., dict[str, float]]] = {2: score_instances, 3: score_partition}
"""Scores by spatial rank: images are scored by their instances, volumes by their partition."""


LOWER_IS_BETTER = ("dic", "voi", "arand")


def merit(metric: str, score: float) -> float:
    """A number that is higher for a better score: the score itself, or its negative where lower is better."""
    return -score if metric in LOWER_IS_BETTER else score


def write_score_file(labels: Path, samples: Path, split: str, out: Path) -> None:
    """Score a labels file against a split of a samples file, and write a csv with one line per segmenter and sample.

    A line has the names of both under `segmenter` and `image`, and every metric: for images (n, H, W) fractions and a count
    (`dic`), for volumes (n, Z, Y, X) bits (`voi`) and a fraction (`arand`).
    """
    import pandas as pd

    truth = read_split(samples, split)
    tables = [_scores(labels, segmenter, samples, split, truth) for segmenter in segmenters_of(labels)]
    write_text(out, pd.concat(tables).to_csv(index=False, float_format="%.6f"))


def read_scores(path: Path, segmenter: str) -> "pd.DataFrame":
    """The lines of a score file for one segmenter, by image."""
    import pandas as pd

    table = pd.read_csv(path, index_col="image")
    return table[table["segmenter"] == segmenter].drop(columns="segmenter")


def _scores(labels: Path, segmenter: str, samples: Path, split: str, truth: Split) -> "pd.DataFrame":
    import pandas as pd

    names, predictions = read_labels(labels, segmenter)
    if names != truth.names:
        raise GrdError(
            f"{labels}: expected the {len(truth.names)} images of {samples}, {split}, found others; delete it and rerun"
        )
    score = SCORES[truth.labels.ndim - 1]
    rows = [score(*pair) for pair in zip(predictions, truth.labels, strict=True)]
    return pd.DataFrame([{"segmenter": segmenter, "image": name, **row} for name, row in zip(names, rows, strict=True)])
