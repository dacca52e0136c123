"""Offsets between the pixels of the pairs that losses compare."""

from collections.abc import Sequence
from itertools import zip_longest

Offset = tuple[int, ...]


def offsets_of(shifts: Sequence[Sequence[int]]) -> list[Offset]:
    """Backward offsets, nearest first: (-1, 0), (0, -1), (-3, 0), … for distances ((1, 3, …), (1, 3, …)) along rows, columns."""
    rank = len(shifts)
    return [
        tuple(-distance if axis == along else 0 for axis in range(rank))
        for distances in zip_longest(*shifts)
        for along, distance in enumerate(distances)
        if distance is not None
    ]


def reach_of(offsets: Sequence[Offset]) -> tuple[int, ...]:
    """The largest distance of backward offsets along each axis."""
    return tuple(max(-distance for distance in along) for along in zip(*offsets, strict=True))
