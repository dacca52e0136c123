"""Unfinished training, kept outside of the pipeline's outputs and keyed by what the run is."""

import logging
import pickle
from pathlib import Path
from typing import Any

import torch

from grd.files import whole

log = logging.getLogger(__name__)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state, whole or not at all."""
    with whole(path) as part:
        torch.save(state, part)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The state, or None where there is none; an unreadable one is reported and left out of account."""
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        log.warning("%s is unreadable (%s); training starts anew", path, error)
        return None
