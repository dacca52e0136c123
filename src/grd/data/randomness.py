"""Random numbers that depend on seed, purpose and step alone, never on earlier draws."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, for example `derived_seed(0, "augment", step)`."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator for one purpose, so that draws are the same on every device."""
    return torch.Generator().manual_seed(derived_seed(seed, *purpose))


@contextmanager
def initialisation(seed: int, *purpose: str | int) -> Iterator[None]:
    """Seed torch's global generator, which initialises modules, for one purpose; the old state returns afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, *purpose))
        yield
