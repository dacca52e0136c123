"""SIGTERM (a scheduler's time limit) and SIGINT (Ctrl-C): training stops where its state can be saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from grd.errors import UnfinishedError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """A request to stop, made by a signal."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def request(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        self.signal = number

    def check(self) -> None:
        """UnfinishedError if a signal has come: called wherever a training may stop."""
        if self.signal is not None:
            raise UnfinishedError(f"stopped by {signal.Signals(self.signal).name}; the next call resumes it")


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """In the main thread, turn signals into a request to stop instead of ending the process."""
    stop = Stop()
    before = {number: signal.signal(number, stop.request) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
