"""Digests of files and of plain values."""

import hashlib
import json
from pathlib import Path

DIGITS = 16


def sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(*values: object) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of plain values, however their mappings are ordered."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:DIGITS]
