"""Downloads that go on where they broke off, and are verified before they take their place.

What has arrived of a file lies apart, in `<digest of the address>.part`; beside it `….version` holds what the server calls
this version of the file (its ETag, or the date of its last change). With both a later attempt, of this process or of another,
asks for the rest alone, and is given the file from its start if that has changed meanwhile.
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

from grd.system.files import whole, write_text

CHUNK = 1 << 16  # bytes; what a broken transfer loses at most
PAGE = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)

Proof = TypeVar("Proof")  # what verifying a file gives

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How often an address is tried, and what is waited for, in seconds.

    After a failed attempt it is `pause`, doubled each time, or what the server asks for, but never more than `longest`;
    `timeout` is that for a connection and between two blocks of a transfer.
    """

    attempts: int = 6
    pause: float = 1
    longest: float = 120
    timeout: float = 30
    sleep: Callable[[float], None] = time.sleep

    def after(self, tried: int, asked: float | None) -> float:
        """The seconds to wait after so many attempts, the server asking for so many, or for none."""
        return min(self.pause * 2 ** (tried - 1) if asked is None else asked, self.longest)


USUAL = Patience()


class DownloadError(Exception):
    """No address gave the file: what each was tried with, and whether a later call goes on with a part of it."""

    def __init__(self, faults: dict[str, str], resumable: bool) -> None:
        super().__init__(", from ".join(f"{address} ({fault})" for address, fault in faults.items()))
        self.resumable = resumable


class _FaultError(Exception):
    """Why an attempt failed: `again` if the address may yet give the file, `keep` if what has arrived stays good.

    `asked` are the seconds after which the server wants to be asked again.
    """

    def __init__(self, reason: str, again: bool = False, keep: bool = False, asked: float | None = None) -> None:
        super().__init__(reason)
        self.again, self.keep, self.asked = again, keep, asked


@dataclass(frozen=True)
class _Part:
    """What has arrived from an address, and of which version of the file."""

    file: Path
    version: Path

    @classmethod
    def of(cls, address: str, folder: Path) -> "_Part":
        stem = hashlib.sha256(address.encode()).hexdigest()[:16]
        return cls(folder / f"{stem}.part", folder / f"{stem}.version")

    def begin(self, version: str) -> None:
        """Forget what has arrived; without a version what arrives now cannot be gone on with."""
        self.remove()
        write_text(self.version, version)

    def known(self) -> tuple[int, str]:
        """How many bytes can be gone on with, and their version."""
        version = self.version.read_text() if self.version.exists() else ""
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
    patience: Patience = USUAL,
) -> tuple[str, Proof]:
    """Get the file at `path` from the first address that has it; that address, and what `verify` says of the file.

    `partial` is the folder for what has not arrived completely. `verify` raises ValueError for a file that is not the one
    wanted; it is asked before the file takes its place. DownloadError if no address gives the file, OSError if it cannot
    be written.
    """
    parts = {address: _Part.of(address, partial) for address in addresses}
    faults = {}
    for address, part in parts.items():
        try:
            proof = _patiently(address, part, verify, path.name if progress else None, patience)
        except _FaultError as fault:
            faults[address] = str(fault)
            continue
        with whole(path) as beside:
            shutil.move(part.file, beside)
        for left in parts.values():
            left.remove()
        return address, proof
    raise DownloadError(faults, any(part.known()[0] for part in parts.values()))


def _patiently(address: str, part: _Part, verify: Callable[[Path], Proof], title: str | None, patience: Patience) -> Proof:
    """Attempt after attempt, as long as another one may help; the part stays if a later call can go on with it."""
    tried = 0
    while True:
        try:
            return _attempt(address, part, verify, title, patience.timeout)
        except _FaultError as fault:
            tried += 1
            if not (fault.keep and part.known()[0]):
                part.remove()
            if not fault.again or tried >= patience.attempts:
                raise
            pause = patience.after(tried, fault.asked)
            log.warning("%s: %s; trying again in %g s", address, fault, pause)
            patience.sleep(pause)


def _attempt(address: str, part: _Part, verify: Callable[[Path], Proof], title: str | None, timeout: float) -> Proof:
    have, version = part.known()
    wanted = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
    try:
        with requests.get(address, headers={"Accept-Encoding": "identity", **wanted}, stream=True, timeout=timeout) as response:
            begun = _begun(response, have, version)
            if response.status_code != requests.codes.requested_range_not_satisfiable:
                _receive(response, part, begun, title)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _FaultError(_reason(error), again=True, keep=True) from error
    except requests.RequestException as error:
        raise _FaultError(_reason(error)) from error
    try:
        return verify(part.file)
    except ValueError as error:
        raise _FaultError(str(error), again=begun > 0) from error


def _begun(response: Response, have: int, version: str) -> int:
    """After how many bytes of the file an answer begins; one that gives neither the file nor its rest is raised."""
    code, covered = response.status_code, response.headers.get("Content-Range", "")
    if code == requests.codes.ok:
        return 0
    if code == requests.codes.requested_range_not_satisfiable and have and covered == f"bytes */{have}":
        return have  # it had arrived completely
    if code == requests.codes.partial_content and covered.startswith(f"bytes {have}-") and _version(response) in ("", version):
        return have
    found = f"HTTP {code} {response.reason}".strip()
    if code in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
        raise _FaultError(f"{found} with another part or version than asked for ('{covered}')", again=True)
    if code in (requests.codes.request_timeout, requests.codes.too_many_requests) or code >= 500:
        raise _FaultError(found, again=True, keep=True, asked=_asked(response))
    raise _FaultError(found)


def _receive(response: Response, part: _Part, begun: int, title: str | None) -> None:
    """Write an answer into the part, after the bytes where it begins, and compare its length with what it says."""
    if begun:
        log.info("%s: going on after %d bytes", response.url, begun)
    else:
        part.begin(_version(response))
    total = _total(response, begun)
    bar = tqdm(desc=title, total=total, initial=begun, unit="B", unit_scale=True, leave=False, disable=not title, file=sys.stderr)
    with open(part.file, "ab") as file, bar:
        for block in response.iter_content(CHUNK):
            if not file.tell() and PAGE.match(block):
                raise _FaultError("a web page, perhaps to log in, instead of the file")
            file.write(block)
            bar.update(len(block))
        os.fsync(file.fileno())  # here, where a kill costs nothing, not when the file takes its place
        if total is not None and file.tell() != total:
            raise _FaultError(f"{file.tell()} of {total} bytes", again=True, keep=True)


def _total(response: Response, begun: int) -> int | None:
    """The size of the whole file, in bytes, where the answer says it."""
    after_slash = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = response.headers.get("Content-Length", "")
    return int(after_slash) if after_slash.isdecimal() else begun + int(length) if length.isdecimal() else None


def _version(response: Response) -> str:
    """What may be asked for with If-Range: a strong ETag, else the date of the last change; empty if there is neither."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _asked(response: Response) -> float | None:
    """The seconds of Retry-After, which may be a date."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without the names of the connection's classes."""
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    detail = cause.args[0] if isinstance(cause, Exception) and cause.args else cause
    return re.sub(r"^\w+\(.*?\): ", "", " ".join(str(detail).split())).removesuffix(".")
