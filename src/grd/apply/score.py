"""Scores of users' label images and volumes against their ground truths."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from grd.apply.outputs import OVERLAY
from grd.errors import GrdError, error_location
from grd.metrics.instances import score_instances
from grd.metrics.partitions import score_partition
from grd.reading.labels import label_rank, read_labels
from grd.reading.paths import IMAGE_ENDS, LABEL_ENDS, files_by_name, files_of, is_folder
from grd.reading.stored import locate
from grd.system.logs import sentence_for

log = logging.getLogger(__name__)


class Pair(NamedTuple):
    """A segmentation and its ground truth."""

    name: str
    prediction: Path
    truth: Path


def score_files(
    prediction: Path,
    truth: Path,
    rank: int | None = None,
    ignored: Collection[int] = (),
    axes: str | None = None,
    pairs_only: bool = False,
) -> tuple[pd.DataFrame, list[str]]:
    """Scores of a file, or of all files in a folder, against ground truths of the same names: one row per image or volume.

    `rank` is 2 for images and 3 for volumes; None takes what the files say of their axes. Pixels whose true label is in `ignored`
    do not count. With `pairs_only` files without counterpart are left out. Columns: `image`, then `score`'s.

    Of several pairs one that cannot be scored is named in a warning, and the others are done; the second result names all such
    pairs. Raises GrdError for a single pair, and for names without counterpart (unless they are left out).
    """
    rows: list[dict[str, str | float]] = []
    bad: list[str] = []
    pairs = _pairs(prediction, truth, pairs_only)
    for pair in pairs:
        try:
            rows += _score_pair(pair, rank, ignored, axes)
        except (GrdError, OSError) as error:
            if len(pairs) == 1:
                raise
            log.warning("%s", sentence_for(error) or error)
            bad.append(pair.name)
    return pd.DataFrame(rows), bad


def _score_pair(pair: Pair, rank: int | None, ignored: Collection[int], axes: str | None) -> list[dict[str, str | float]]:
    """A row for each image or volume of two files; GrdError for axes that nothing tells, and for different sizes or numbers."""
    name, first, second = pair
    named = axes and (3 if "Z" in axes.upper() else 2)
    chosen = rank or named or label_rank(second) or label_rank(first)
    if chosen is None:
        raise GrdError(f"{second}: expected axes with names, found three without; say what they are with --images or --volume")
    found, true = read_labels(first, chosen, axes), read_labels(second, chosen, axes)
    arrays = found.in_order_of(true.names, str(second))
    with error_location(str(first)):
        return [
            {"image": " ".join(filter(None, (name, part)))} | score(one, other, chosen, ignored)
            for part, one, other in zip(true.names, arrays, true.arrays, strict=True)
        ]


def check_complete(bad: Collection[str]) -> None:
    """GrdError that names the pairs that could not be scored, if there are some."""
    if bad:
        raise GrdError(
            f"{', '.join(bad)}: expected pairs that can be scored, found {len(bad)} that cannot, for the reasons above; the "
            "others are scored"
        )


def check_table(path: Path) -> None:
    """GrdError for a path of scores that is a folder, or a file of someone else."""
    if path.is_dir() or (path.exists() and not _holds_scores(path)):
        raise GrdError(
            f"{path}: expected no file, or scores that this command wrote, found another, which would be replaced; name another"
        )


def _holds_scores(path: Path) -> bool:
    with path.open(errors="replace") as file:
        first, *others = file.readline(1000).strip().split(",")
    return first == "image" and not {"pq", "voi"}.isdisjoint(others)


def score(prediction: np.ndarray, truth: np.ndarray, rank: int, ignored: Collection[int] = ()) -> dict[str, float]:
    """All scores that make sense for an image (rank 2) or volume (rank 3), by name.

    A volume has scores of instances only if its segmentation has background, and any sample has scores of partitions only if its
    truth has labels.
    """
    if prediction.shape != truth.shape:
        raise GrdError(f"expected a segmentation of the truth's size {truth.shape}, found {prediction.shape}; compare equals")
    if ignored:
        counted = ~np.isin(truth, list(ignored))
        if not counted.any():
            raise GrdError(f"expected pixels to compare, found only true labels to ignore, {list(ignored)}; ignore fewer")
        prediction, truth = prediction[counted], truth[counted]
    instances = score_instances(prediction, truth) if rank == 2 or not prediction.all() else {}
    partition = score_partition(prediction, truth) if truth.any() else {}
    return instances | partition if rank == 2 else partition | instances


def format_scores(scores: pd.DataFrame) -> str:
    """Scores for the screen: a name and a value per line for one sample, else a line per sample, then mean and sd."""
    if scores.empty:
        return ""
    if len(scores) == 1:
        return "".join(f"{name:10}{value:.4f}\n" for name, value in scores.drop(columns="image").iloc[0].items())
    numbers = scores.drop(columns="image")
    width = max(len("mean"), *(len(name) for name in scores["image"]))
    summary = {"mean": numbers.mean(), "sd": numbers.std(ddof=1)}
    rows: list[tuple[str, Iterable[float]]] = [
        *zip(scores["image"], numbers.itertuples(index=False), strict=True),
        *summary.items(),
    ]
    lines = [" " * width + "".join(f"{name:>10}" for name in numbers)]
    lines += [f"{name:{width}}" + "".join(f"{value:10.4f}" for value in values) for name, values in rows]
    return "\n".join(lines) + "\n"


def _pairs(prediction: Path, truth: Path, pairs_only: bool) -> list[Pair]:
    """Two files, or the files of two folders by their names."""
    if absent := next((path for path in (prediction, truth) if not locate(path)[0].exists()), None):
        raise GrdError(f"{absent}: expected a label image, or a folder of them, found no file; check the path")
    if not (is_folder(prediction) and is_folder(truth)):
        return [Pair(prediction.stem, prediction, truth)]
    found, true = (files_by_name(folder, LABEL_ENDS, _label_files(folder)) for folder in (prediction, truth))
    if found.keys() != true.keys():  # by what they have in common with the names of their images
        found, true = (_without_image_ends(names, {*found} ^ {*true}) for names in (found, true))
    both, lonely = sorted(found.keys() & true.keys()), sorted(found.keys() ^ true.keys())
    if lonely and not (pairs_only and both):
        where = truth if lonely[0] in found else prediction
        raise GrdError(
            f"{where}: expected a file for each of {len(found.keys() | true.keys())} names, found none for "
            f"{', '.join(lonely[:5])}{', …' if len(lonely) > 5 else ''}; complete the folders, or score what both have with "
            "--pairs-only"
        )
    if lonely:
        log.warning("scoring %d pairs; %d files without counterpart are left out", len(both), len(lonely))
    return [Pair(name, found[name], true[name]) for name in both]


def _without_image_ends(files: Mapping[str, Path], lonely: Collection[str]) -> dict[str, Path]:
    """Files by name, `lonely` ones without what ends the name of an image, such as `_img`, unless another file has that name."""
    short = {name: IMAGE_ENDS.sub("", name) if name in lonely else name for name in files}
    count = Counter(short.values())
    return {short[name] if count[short[name]] == 1 else name: path for name, path in files.items()}


def _label_files(folder: Path) -> list[Path]:
    """Image files of a folder, but for pictures that `grd predict` draws beside labels."""
    return [path for path in files_of(folder) if not path.name.endswith(OVERLAY)]
