"""Checkpoints: all that an unfinished training needs to resume with the same bits; written atomically, the last two kept."""

import hashlib
import io
import logging
import re
from pathlib import Path
from typing import Any

import torch

from grd.project.paths import CHECKPOINT
from grd.system.digests import sha256
from grd.system.files import atomic_write

KEPT = 2

log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints `<step>-<digest>.pt` in a training's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Path]:
        """Paths of all checkpoints, the newest first."""
        return sorted(filter(_match, self.folder.glob("*.pt")), reverse=True)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write the state of a step, unless it is there already, and remove all but the two newest checkpoints."""
        kept = self.all()
        if kept and kept[0].name.startswith(f"{step:08d}-"):
            return
        content = io.BytesIO()
        torch.save(state, content)
        with atomic_write(self.folder / f"{step:08d}-{hashlib.sha256(content.getbuffer()).hexdigest()[:16]}.pt") as part:
            part.write_bytes(content.getbuffer())
        for old in self.all()[KEPT:]:
            old.unlink()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """The newest state whose digest is that in its name, or None; damaged ones are reported and removed."""
        for path in self.all():
            if (name := _match(path)) and sha256(path).startswith(name[2]):
                return torch.load(path, map_location=device, weights_only=True)
            log.warning("%s is damaged; training resumes from the checkpoint before it, or starts anew", path)
            path.unlink()
        return None

    def clear(self) -> None:
        """Remove all checkpoints, and files that a killed process left half-written."""
        for path in (*self.all(), *self.folder.glob(".*.part")):
            path.unlink()


def _match(path: Path) -> re.Match[str] | None:
    return CHECKPOINT.fullmatch(path.name)
