"""Learning rate as a function of the step: nothing to save, nothing to restore."""

from math import cos, pi

from grd.config.scales import Training

WARM_UP, START, END = 0.3, 1 / 25, 1e-4


def learning_rate(settings: Training, step: int) -> float:
    """Constant (the paper's), or one cosine cycle: 30 % up from a 25th of the peak, then down to nearly nothing."""
    peak, steps = settings.learning_rate, settings.iterations
    if settings.schedule == "constant":
        return peak
    warm = max(1.0, WARM_UP * steps)
    if step < warm:
        return peak * _cosine(START, 1.0, step / warm)
    return peak * _cosine(1.0, END, (step - warm) / max(1.0, steps - warm))


def _cosine(start: float, end: float, position: float) -> float:
    return end + (start - end) * (1 + cos(pi * min(1.0, position))) / 2
