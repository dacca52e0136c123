"""Files that appear whole or not at all; their sizes and times."""

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

WINDOWS = os.name == "nt"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Write a file atomically: yields a path beside `path`, which is fsynced and renamed on leaving, or removed on an error.

    Files that killed processes left half-written are removed, too. Errors of the file beside it name `path`, and so does a full
    disk, whatever the library that writes makes of it.
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
        causes = (cause for cause in _causes(error) if isinstance(cause, OSError))
        if number := next((cause.errno for cause in causes if is_disk_full(cause) or cause.filename == str(part)), None):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Force a file's bytes, or a folder's names, onto the disk; Windows syncs files that are open for writing, and no folders."""
    if WINDOWS and path.is_dir():
        return
    number = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _alive(process: int) -> bool:
    """True if a process runs, or may run: on Windows to ask would end it."""
    if WINDOWS:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def is_disk_full(error: BaseException | None) -> TypeGuard[OSError]:
    """True if an error says that a disk, or a user's quota, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and the errors that caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def size(number: int) -> str:
    """Bytes for people, in powers of 1000."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def newest_time(path: Path) -> float:
    """When a file, or any file in a folder, was changed, or put in its place by a copy that keeps its time; in seconds."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return max((max(file.stat().st_mtime, file.stat().st_ctime) for file in files), default=0.0)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")
