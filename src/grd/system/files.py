"""Files that appear whole or not at all, and what is in them."""

import errno
import fcntl
import glob
import hashlib
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO, TypeGuard

from grd.errors import GrdError

log = logging.getLogger(__name__)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, beside `path`; on leaving it is fsynced and renamed, on an error it is removed.

    What processes that were killed have left half-written is removed, too. Whatever a library makes of a full disk, here it is
    an OSError that names `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if not _alive(int(left.suffixes[-2][1:])):
            left.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        _sync(part)
        os.replace(part, path)
        _sync(path.parent)
    except Exception as error:
        if number := next((cause.errno for cause in _causes(error) if is_disk_full(cause)), None):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def is_disk_full(error: BaseException | None) -> TypeGuard[OSError]:
    """Whether an error says that a disk, or a user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole(path) as part:
        part.write_text(text)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
