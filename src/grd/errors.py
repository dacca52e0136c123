"""The errors that users see."""

from collections.abc import Iterator
from contextlib import contextmanager


class GrdError(Exception):
    """Bad input or an impossible request, told in one sentence: what was expected, what was found, where, what to do."""


class UnfinishedError(Exception):
    """Work was stopped from outside after it was saved: the same call goes on with it."""


@contextmanager
def located(where: str) -> Iterator[None]:
    """Within this context a GrdError says where it happened."""
    try:
        yield
    except GrdError as error:
        raise GrdError(f"{where}: {error}") from error
