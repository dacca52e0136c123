"""How much memory tensors take on the device: measured on a GPU, counted tensor by tensor on a CPU."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Meter(Protocol):
    """Bytes of memory on the device."""

    def allocated(self) -> int:
        """Now."""

    def mark(self) -> int:
        """Now; `peak` counts from here."""

    def peak(self) -> int:
        """The most since `mark`."""


class GPUMeter:
    """What torch's allocator has given out."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def allocated(self) -> int:
        """Bytes now."""
        return torch.cuda.memory_allocated(self.device)

    def mark(self) -> int:
        """Bytes now; `peak` counts from here."""
        torch.cuda.reset_peak_memory_stats(self.device)
        return self.allocated()

    def peak(self) -> int:
        """The most bytes since `mark`."""
        return torch.cuda.max_memory_allocated(self.device)


class TensorMeter(TorchDispatchMode):
    """What the tensors take that came to be within this context, forward and backward, as a GPU would hold them.

    A storage counts once however many tensors view it, until it is freed. Workspace within an operation is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = self._most = 0
        self._living: dict[int, weakref.ref[UntypedStorage]] = {}

    def allocated(self) -> int:
        """Bytes now."""
        return self._now

    def mark(self) -> int:
        """Bytes now; `peak` counts from here."""
        self._most = self._now
        return self._now

    def peak(self) -> int:
        """The most bytes since `mark`."""
        return self._most

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do what was to be done, and count the storages that it made: those that it was not given."""
        made = function(*args, **(kwargs or {}))
        given = {storage._cdata for storage in _storages((args, kwargs))}
        for storage in _storages(made):
            if storage._cdata not in given and storage._cdata not in self._living:
                self._count(storage._cdata, storage)
        return made

    def _count(self, key: int, storage: UntypedStorage) -> None:
        size = storage.nbytes()

        def freed(_: object) -> None:
            del self._living[key]
            self._now -= size

        self._living[key] = weakref.ref(storage, freed)
        self._now += size
        self._most = max(self._most, self._now)


def _storages(tree: Any) -> Iterator[UntypedStorage]:
    tensors = (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))
    return (tensor.untyped_storage() for tensor in tensors if tensor.device.type != "meta")


@contextmanager
def metered(device: torch.device) -> Iterator[Meter]:
    """Within this context memory is metered; on a CPU every operation takes longer."""
    if device.type == "cuda":
        yield GPUMeter(device)
        return
    with TensorMeter() as meter:
        yield meter
