"""Locks on files: they end with the process that holds them, however it ends."""

import fcntl
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from grd.errors import GrdError

log = logging.getLogger(__name__)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within this context no other process is in it with the same file; waits for one that is."""
    with opened_for_locking(path) as file:
        if not lock(file):
            log.warning("%s is held by another process; waiting for it", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def opened_for_locking(path: Path) -> TextIO:
    """A file to hold a lock on; it is made if it is not there, and keeps what is in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "a+")


def lock(file: TextIO) -> bool:
    """Lock a file until it is closed; False where another process holds it.

    The system frees the lock of a process that ends, however it ends. A file system that knows no locks is let pass.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        log.warning("%s: not locked (%s)", file.name, error)
    return True


def occupy(folder: Path) -> TextIO:
    """Keep a folder to this process for as long as the returned file is open; GrdError if another process works there."""
    file = opened_for_locking(folder / ".lock")
    if not lock(file):
        file.seek(0)
        raise GrdError(
            f"{folder}: expected to work here alone, found another pipeline at work ({file.read().strip()}); "
            "wait until it has ended, or stop it"
        )
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n")
    file.flush()
    return file
