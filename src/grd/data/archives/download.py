"""Downloads that resume after an interruption and are verified before they take their place.

A partial file is `<digest of the address>.part`. The file `….version` beside it holds the server's name for this version of the
file: its ETag, or the date of its last change. With both, a later attempt of any process asks for the missing bytes alone; the
server sends the file from its start if it has changed meanwhile.
"""

import hashlib
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import requests
from requests import Response
from tqdm import tqdm

from grd.system.files import atomic_write, write_text

CHUNK = 1 << 16  # bytes; a broken transfer loses at most so many
PAGE = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)

Proof = TypeVar("Proof")  # the result of verifying a file

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """Number of attempts per address, and waiting times in seconds.

    The wait after a failed attempt is `pause`, doubled each time, or the time that the server asks for, but never more than
    `longest`. `timeout` limits the time to connect and the time between two blocks of a transfer.
    """

    attempts: int = 6
    pause: float = 1
    longest: float = 120
    timeout: float = 30
    sleep: Callable[[float], None] = time.sleep

    def delay(self, attempts: int, wait: float | None) -> float:
        """Seconds to wait after this many attempts; `wait` is the time that the server asks for, if any."""
        return min(self.pause * 2 ** (attempts - 1) if wait is None else wait, self.longest)


DEFAULT_PATIENCE = Patience()


class DownloadError(Exception):
    """No address gave the file. The message says why each failed; `resumable` is true if a later call can use a partial file."""

    def __init__(self, faults: dict[str, str], resumable: bool) -> None:
        super().__init__(", from ".join(f"{address} ({fault})" for address, fault in faults.items()))
        self.resumable = resumable


class _AttemptError(Exception):
    """An attempt failed.

    `retry`: the address may still give the file. `keep`: the bytes received so far stay valid. `wait`: seconds after which the
    server wants to be asked again.
    """

    def __init__(self, reason: str, retry: bool = False, keep: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.retry, self.keep, self.wait = retry, keep, wait


@dataclass(frozen=True)
class _Part:
    """The bytes received from an address, and the version of the file that they belong to."""

    file: Path
    version: Path

    @classmethod
    def of(cls, address: str, folder: Path) -> "_Part":
        stem = hashlib.sha256(address.encode()).hexdigest()[:16]
        return cls(folder / f"{stem}.part", folder / f"{stem}.version")

    def begin(self, version: str) -> None:
        """Discard the bytes received so far; without a version the next ones cannot be resumed."""
        self.remove()
        write_text(self.version, version)

    def resumable(self) -> tuple[int, str]:
        """Number of bytes that a transfer can resume after, and their version."""
        version = self.version.read_text(encoding="utf-8") if self.version.exists() else ""
        return (self.file.stat().st_size, version) if version and self.file.exists() else (0, "")

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)
        self.version.unlink(missing_ok=True)


def download(
    addresses: Sequence[str],
    path: Path,
    partial: Path,
    verify: Callable[[Path], Proof],
    progress: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
) -> tuple[str, Proof]:
    """Get the file at `path` from the first address that has it; returns that address and the result of `verify`.

    `partial` is the folder for partial files. `verify` raises ValueError for a wrong file; it is called before the file takes
    its place. Raises DownloadError if no address gives the file, OSError if it cannot be written.
    """
    parts = {address: _Part.of(address, partial) for address in addresses}
    faults = {}
    for address, part in parts.items():
        try:
            proof = _retry(address, part, verify, path.name if progress else None, patience)
        except _AttemptError as error:
            faults[address] = str(error)
            continue
        with atomic_write(path) as target:
            shutil.move(part.file, target)
        for left in parts.values():
            left.remove()
        return address, proof
    raise DownloadError(faults, any(part.resumable()[0] for part in parts.values()))


def _retry(address: str, part: _Part, verify: Callable[[Path], Proof], title: str | None, patience: Patience) -> Proof:
    """Repeat attempts while another one may help; the partial file stays if a later call can resume it."""
    attempts = 0
    while True:
        try:
            return _attempt(address, part, verify, title, patience.timeout)
        except _AttemptError as error:
            attempts += 1
            if not (error.keep and part.resumable()[0]):
                part.remove()
            if not error.retry or attempts >= patience.attempts:
                raise
            pause = patience.delay(attempts, error.wait)
            log.warning("%s: %s; trying again in %g s", address, error, pause)
            patience.sleep(pause)


def _attempt(address: str, part: _Part, verify: Callable[[Path], Proof], title: str | None, timeout: float) -> Proof:
    have, version = part.resumable()
    wanted = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
    try:
        with requests.get(address, headers={"Accept-Encoding": "identity", **wanted}, stream=True, timeout=timeout) as response:
            start = _first_byte(response, have, version)
            if response.status_code != requests.codes.requested_range_not_satisfiable:
                _receive(response, part, start, title)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _AttemptError(_reason(error), retry=True, keep=True) from error
    except requests.RequestException as error:
        raise _AttemptError(_reason(error)) from error
    try:
        return verify(part.file)
    except ValueError as error:
        raise _AttemptError(str(error), retry=start > 0) from error


def _first_byte(response: Response, have: int, version: str) -> int:
    """Position in the file at which a response begins; _AttemptError if it gives neither the file nor the missing bytes."""
    code, covered = response.status_code, response.headers.get("Content-Range", "")
    if code == requests.codes.ok:
        return 0
    if code == requests.codes.requested_range_not_satisfiable and have and covered == f"bytes */{have}":
        return have  # the partial file is complete
    if code == requests.codes.partial_content and covered.startswith(f"bytes {have}-") and _version(response) in ("", version):
        return have
    found = f"HTTP {code} {response.reason}".strip()
    if code in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
        raise _AttemptError(f"{found} with another part or version than asked for ('{covered}')", retry=True)
    if code in (requests.codes.request_timeout, requests.codes.too_many_requests) or code >= 500:
        raise _AttemptError(found, retry=True, keep=True, wait=_retry_after(response))
    raise _AttemptError(found)


def _receive(response: Response, part: _Part, start: int, title: str | None) -> None:
    """Append a response that begins at byte `start` to the partial file, and check its length."""
    if start:
        log.info("%s: resuming after %d bytes", response.url, start)
    else:
        part.begin(_version(response))
    total = _total_size(response, start)
    bar = tqdm(desc=title, total=total, initial=start, unit="B", unit_scale=True, leave=False, disable=not title, file=sys.stderr)
    with open(part.file, "ab") as file, bar:
        for block in response.iter_content(CHUNK):
            if not file.tell() and PAGE.match(block):
                raise _AttemptError("a web page, perhaps to log in, instead of the file")
            file.write(block)
            bar.update(len(block))
        os.fsync(file.fileno())  # here, where a kill costs nothing, not when the file takes its place
        if total is not None and file.tell() != total:
            raise _AttemptError(f"{file.tell()} of {total} bytes", retry=True, keep=True)


def _total_size(response: Response, start: int) -> int | None:
    """Size of the whole file in bytes, None if the response does not say."""
    after_slash = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = response.headers.get("Content-Length", "")
    return int(after_slash) if after_slash.isdecimal() else start + int(length) if length.isdecimal() else None


def _version(response: Response) -> str:
    """Value for an If-Range header: a strong ETag, else the date of the last change, else empty."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _retry_after(response: Response) -> float | None:
    """Seconds of the Retry-After header, which may hold a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _reason(error: requests.RequestException) -> str:
    """Cause of a failed request, without the class names of the connection."""
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    detail = cause.args[0] if isinstance(cause, Exception) and cause.args else cause
    return re.sub(r"^\w+\(.*?\): ", "", " ".join(str(detail).split())).removesuffix(".")
