"""Turns on GPUs that several jobs share."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import torch

from grd.system.devices import choose_device, explain_memory_errors
from grd.system.locks import open_lock_file, try_lock

GPU_PLACES = Path(tempfile.gettempdir()) / (f"grd-gpus-{os.getuid()}" if hasattr(os, "getuid") else "grd-gpus")
"""A file per place for a job on a GPU: the job that locks it computes there. (Windows has a temporary folder per user.)"""


PAUSE = 1.0  # seconds before looking for a free place again


log = logging.getLogger(__name__)


@contextmanager
def claim_device(what: str, name: str, threads: int | None = None, jobs_per_gpu: int = 1) -> Iterator[torch.device]:
    """Compute on the device of this name (see `choose_device`); waits until a GPU has a place for one more job.

    Of several GPUs that the name may mean, the one with a free place is taken. Too little memory is a GrdError that says for
    `what`.
    """
    device = choose_device(name, threads)
    with explain_memory_errors(what, device):
        if device.type != "cuda":
            yield device
            return
        with occupy_gpu(visible_gpus(device), jobs_per_gpu) as index, torch.cuda.device(index):
            yield torch.device("cuda", index)


def visible_gpus(device: torch.device) -> dict[int, str]:
    """The GPUs that a device may mean: by index, a name that is the same in all processes."""
    indices = range(torch.cuda.device_count()) if device.index is None else [device.index]
    return {index: str(torch.cuda.get_device_properties(index).uuid) for index in indices}


@contextmanager
def occupy_gpu(gpus: Mapping[int, str], jobs_per_gpu: int, places: Path = GPU_PLACES) -> Iterator[int]:
    """Occupy a place for a job on a GPU; waits for a free one, and yields the GPU's index."""
    names = [(index, f"{gpu}.{number}") for number in range(jobs_per_gpu) for index, gpu in gpus.items()]
    for attempt in count():
        for index, name in names:
            with open_lock_file(places / name) as file:
                if try_lock(file):
                    yield index
                    return
        if attempt == 0:
            log.info("waiting for a GPU (jobs_per_gpu is %d)", jobs_per_gpu)
        time.sleep(PAUSE)
