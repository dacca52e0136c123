"""SIGTERM (a scheduler's time limit) and SIGINT (Ctrl-C): asked to stop, a training stops where its state can be saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from grd.errors import UnfinishedError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether a signal has come."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def ask(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        self.signal = number

    def check(self) -> None:
        """UnfinishedError if a signal has come: called wherever a training may stop."""
        if self.signal is not None:
            raise UnfinishedError(f"stopped by {signal.Signals(self.signal).name}; the next call goes on from here")


@contextmanager
def stopping() -> Iterator[Stop]:
    """Within this context (of the main thread) signals do not end the process, but are noted."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
