"""Colours of instances in which neighbours differ clearly."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.colors import to_rgb
from skimage.segmentation import expand_labels

PALETTE = np.array(
    [to_rgb(name) for name in ("#2452b8", "#f5821f", "#2f9e44", "#f4dd2e", "#c46ad4", "#35c4d7", "#85552a", "#f7a3c4")]
)
"""Colours (8, 3) of which any two are easy to tell apart; red and white are left to the marks of errors."""

REACH = 2
"""Pixels of background that an instance bridges to a neighbour: two of them may lie twice as far apart."""

Pairs = set[tuple[int, int]]
Colours = Mapping[int, int]
"""Numbers of colours in PALETTE by instance."""


def comparable_colours(truth: np.ndarray, predictions: Sequence[np.ndarray]) -> list[Colours]:
    """Colours for a truth (H, W) and predictions of it, in which the ids of the truth have one colour everywhere.

    Neighbours of any of the images differ, as far as the palette suffices.
    """
    own = [neighbour_pairs(labels) for labels in (truth, *predictions)]
    names = set(np.unique(truth).tolist())
    shared = choose_colours(names, {pair for pairs in own for pair in pairs if names.issuperset(pair)})
    found = (np.unique(labels).tolist() for labels in predictions)
    return [shared, *(choose_colours(ids, pairs, shared) for ids, pairs in zip(found, own[1:], strict=True))]


def neighbour_pairs(labels: np.ndarray) -> Pairs:
    """Pairs (lower id, higher id) of instances (H, W) that touch, or almost do."""
    grown = expand_labels(labels, REACH)
    touching = [(grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1])]
    pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in touching])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return set(map(tuple, pairs[(pairs[:, 0] > 0) & (pairs[:, 0] < pairs[:, 1])].tolist()))


def choose_colours(ids: Iterable[int], pairs: Pairs, fixed: Colours | None = None) -> dict[int, int]:
    """A colour for each id but 0, greedily: those with many neighbours first, `fixed` before all.

    An id takes the colour that fewest of its neighbours have; among several the one that fewest ids have.
    """
    neighbours = defaultdict(set)
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)
    chosen = dict(fixed or {})
    used = Counter(chosen.values())
    for number in sorted(set(ids) - set(chosen) - {0}, key=lambda number: (-len(neighbours[number]), number)):
        around = Counter(chosen[other] for other in neighbours[number] if other in chosen)
        chosen[number] = min(range(len(PALETTE)), key=lambda colour: (around[colour], used[colour], colour))
        used[chosen[number]] += 1
    return chosen


def paint(labels: np.ndarray, colours: Colours) -> np.ndarray:
    """The picture (H, W, 3) of instances (H, W) in their colours, background black."""
    ids, places = np.unique(labels, return_inverse=True)
    table = [PALETTE[colours[number]] if number else np.zeros(3) for number in ids.tolist()]
    return np.array(table)[places.reshape(labels.shape)]
