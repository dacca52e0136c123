"""Where messages go: everything to a log file, one sentence to the screen when something is wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError, UnfinishedError
from grd.system.files import is_disk_full

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
EXIT_CODE = 2
UNFINISHED = 75  # of sysexits.h: try again

log = logging.getLogger(__name__)


@contextmanager
def logged(path: Path | str | None = None) -> Iterator[None]:
    """Within this context messages go to a file (without one, warnings to the screen); a foreseen error ends the process.

    It ends with exit code 2 and one sentence on the screen; the traceback is in the file. Interrupted work ends with 75.
    """
    try:
        _send_messages(path)
        yield
    except UnfinishedError as interruption:
        log.warning("%s", interruption)
        sys.stderr.write(f"{interruption}\n")
        sys.exit(UNFINISHED)
    except Exception as error:
        sentence = foreseen(error)
        if path is not None:
            log.exception("stopped")
        if sentence is None:
            raise
        sys.stderr.write(f"error: {sentence}\n")
        sys.exit(EXIT_CODE)


def _send_messages(path: Path | str | None) -> None:
    logging.raiseExceptions = False  # on a full disk every message would be a traceback on the screen
    if path is not None:
        open(path, "w").close()  # and then appended to, as by processes that the job starts
    handler = logging.StreamHandler() if path is None else logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s" if path is None else FORMAT))
    logging.basicConfig(level=logging.WARNING if path is None else logging.INFO, handlers=[handler], force=True)


def foreseen(error: Exception) -> str | None:
    """What to tell of an error that users can do something about; None for any other."""
    if isinstance(error, GrdError):
        return str(error)
    if is_disk_full(error):
        where = error.filename or "a disk"
        return f"{where}: expected room to write, found the disk full; free some space and run again (what was finished is kept)"
    if isinstance(error, PermissionError):
        return f"{error.filename or 'a file'}: expected leave to read and write it, found none; change its permissions, run again"
    return None
