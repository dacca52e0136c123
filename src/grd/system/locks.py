"""Locks on files, which end with the process that holds them, however it ends.

Windows has no such locks. There `grd` segments, scores and exports, which need none; the pipeline needs Linux or macOS.
"""

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from grd.errors import GrdError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Exclude all other processes that lock the same file; waits for one that holds it."""
    with open_lock_file(path) as file:
        if not try_lock(file):
            log.warning("%s is held by another process; waiting for it", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_lock_file(path: Path) -> TextIO:
    """A file to lock, made if it is not there; its content is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "a+")


def try_lock(file: TextIO) -> bool:
    """Lock a file until it is closed; False if another process holds the lock.

    On a file system without locks there is a warning, and True; on a system without them, True.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        log.warning("%s: not locked (%s)", file.name, error)
    return True


def occupy(folder: Path) -> TextIO:
    """Reserve a folder for this process until the returned file is closed; GrdError if another process works there."""
    file = open_lock_file(folder / ".lock")
    if not try_lock(file):
        file.seek(0)
        raise GrdError(
            f"{folder}: expected to work here alone, found another pipeline at work ({file.read().strip()}); "
            "wait until it has ended, or stop it"
        )
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n")
    file.flush()
    return file
