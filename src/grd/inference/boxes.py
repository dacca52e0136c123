"""Boxes, the regions of arrays: a slice with start and stop per axis."""

from collections.abc import Sequence

Box = tuple[slice, ...]


def box(corner: Sequence[int], size: Sequence[int]) -> Box:
    """The box of a size whose first element is at `corner`."""
    return tuple(slice(first, first + length) for first, length in zip(corner, size, strict=True))


def size_of(region: Box) -> tuple[int, ...]:
    """Lengths of the sides of a box."""
    return tuple(part.stop - part.start for part in region)


def overlap(one: Box, other: Box) -> Box:
    """The box that two boxes share."""
    return tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True))


def within(region: Box, frame: Box) -> Box:
    """The same box, counted from the corner of another one."""
    return tuple(slice(part.start - outer.start, part.stop - outer.start) for part, outer in zip(region, frame, strict=True))
