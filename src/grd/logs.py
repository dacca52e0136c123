"""Where messages go: everything to a log file, one sentence to the screen when something is wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError, UnfinishedError

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
EXIT_CODE = 2
UNFINISHED = 75  # of sysexits.h: try again


@contextmanager
def logged(path: Path | str | None = None) -> Iterator[None]:
    """Within this context messages go to a file (without one, warnings to the screen); a GrdError ends the process.

    It ends with exit code 2 and its sentence on the screen; the traceback is in the file. Interrupted work ends with 75.
    """
    handler = logging.StreamHandler() if path is None else logging.FileHandler(path, mode="w")
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s" if path is None else FORMAT))
    logging.basicConfig(level=logging.WARNING if path is None else logging.INFO, handlers=[handler], force=True)
    try:
        yield
    except GrdError as error:
        if path is not None:
            logging.getLogger("grd").exception("stopped")
        sys.stderr.write(f"error: {error}\n")
        sys.exit(EXIT_CODE)
    except UnfinishedError as interruption:
        logging.getLogger("grd").warning("%s", interruption)
        sys.stderr.write(f"{interruption}\n")
        sys.exit(UNFINISHED)
    except Exception:
        logging.getLogger("grd").exception("stopped by an unexpected error")
        raise
