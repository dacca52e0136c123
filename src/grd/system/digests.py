"""Digests of files and of plain values."""

import hashlib
import logging
from pathlib import Path

log = logging.getLogger(__name__)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
