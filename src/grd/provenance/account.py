"""The account of a training, training.json: its key, what it learnt from, how it went, and digests of its files."""

import json
from pathlib import Path
from typing import Any

from grd.errors import GrdError


def read_account(path: Path) -> dict[str, Any]:
    """An account: `key`, digests of `files` and `inputs`, and more; GrdError for another file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _ = content["key"], content["files"].items(), content["inputs"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise GrdError(f"{path}: expected the account of a training, found none; delete {path.parent} and rerun") from None
    return content
