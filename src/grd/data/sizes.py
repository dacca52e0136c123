"""Sizes of instances."""

from math import pi, sqrt


def circle_diameter(area: float) -> float:
    """Diameter in pixels of a circle of this area in pixels."""
    return 2 * sqrt(area / pi)
