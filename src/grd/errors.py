"""Errors that users see."""

from collections.abc import Iterator
from contextlib import contextmanager


class GrdError(Exception):
    """Bad input or an impossible request, in one sentence: what was expected, what was found, where, what to do."""


class UnfinishedError(Exception):
    """Work was saved and stopped from outside: the same call resumes it."""


@contextmanager
def error_location(where: str) -> Iterator[None]:
    """Put the place in front of a GrdError's sentence."""
    try:
        yield
    except GrdError as error:
        raise GrdError(f"{where}: {error}") from error
