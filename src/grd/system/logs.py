"""Messages: everything goes to a log file, one sentence to the screen when something is wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError, UnfinishedError
from grd.system.files import is_disk_full

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
EXIT_CODE = 2
UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: try again

log = logging.getLogger(__name__)


@contextmanager
def log_to(path: Path | str | None = None) -> Iterator[None]:
    """Send messages to a file (without one, warnings to the screen), and end the process with one sentence on a foreseen error.

    The exit code is 2, and the traceback is in the file. Interrupted work ends with 75.
    """
    try:
        _send_messages(path)
        yield
    except UnfinishedError as interruption:
        log.warning("%s", interruption)
        sys.stderr.write(f"{interruption}\n")
        sys.exit(UNFINISHED)
    except Exception as error:
        sentence = sentence_for(error)
        if path is not None:
            log.exception("stopped")
        if sentence is None:
            raise
        sys.stderr.write(f"error: {sentence}\n")
        sys.exit(EXIT_CODE)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End a call of Snakemake with one sentence if a foreseen error occurs in this context."""
    try:
        yield
    except Exception as error:
        if (sentence := sentence_for(error)) is None:
            raise
        sys.exit(f"error: {sentence}")


def _send_messages(path: Path | str | None) -> None:
    logging.raiseExceptions = False  # on a full disk every message would be a traceback on the screen
    if path is not None:
        open(path, "w").close()  # then appended to, also by processes that the job starts
    handler = logging.StreamHandler() if path is None else logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s" if path is None else FORMAT))
    logging.basicConfig(level=logging.WARNING if path is None else logging.INFO, handlers=[handler], force=True)


def sentence_for(error: Exception) -> str | None:
    """The sentence for an error that users can do something about; None for any other error."""
    if isinstance(error, GrdError):
        return str(error)
    if is_disk_full(error):
        where = error.filename or "a disk"
        return f"{where}: expected room to write, found the disk full; free some space and run again (finished work is kept)"
    if isinstance(error, PermissionError):
        where = error.filename or "a file"
        return f"{where}: expected permission to read and write it, found none; change its permissions and run again"
    if isinstance(error, OSError) and error.filename and error.strerror:
        where = error.filename2 or error.filename
        return f"{where}: expected to read or write this file, found: {error.strerror.lower()}; name another, or mend it"
    return None
