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

from grd.system.devices import choose_device, enough_memory
from grd.system.locks import lock, opened_for_locking

GPU_PLACES = Path(tempfile.gettempdir()) / f"grd-gpus-{os.getuid()}"
"""Files of which each stands for a job's place on a GPU: the job that has locked it computes there."""


PAUSE = 1.0  # seconds between looks for a free place


log = logging.getLogger(__name__)


@contextmanager
def claimed_device(what: str, name: str, threads: int | None = None, jobs_per_gpu: int = 1) -> Iterator[torch.device]:
    """The device of this name (see `choose_device`) for a piece of work; on a GPU, when it has a place for one more job.

    Of several GPUs that the name may mean it is the one with a free place. Memory that does not suffice is a GrdError, which
    says for `what`.
    """
    device = choose_device(name, threads)
    with enough_memory(what, device):
        if device.type != "cuda":
            yield device
            return
        with place_on(visible_gpus(device), jobs_per_gpu) as index, torch.cuda.device(index):
            yield torch.device("cuda", index)


def visible_gpus(device: torch.device) -> dict[int, str]:
    """The GPUs that a device may mean, by index, each with a name that is the same for all processes."""
    indices = range(torch.cuda.device_count()) if device.index is None else [device.index]
    return {index: str(torch.cuda.get_device_properties(index).uuid) for index in indices}


@contextmanager
def place_on(gpus: Mapping[int, str], jobs_per_gpu: int, places: Path = GPU_PLACES) -> Iterator[int]:
    """Within this context one of a GPU's places for jobs is this process's; yields the GPU's index. Waits for a free place."""
    names = [(index, f"{gpu}.{number}") for number in range(jobs_per_gpu) for index, gpu in gpus.items()]
    for attempt in count():
        for index, name in names:
            with opened_for_locking(places / name) as file:
                if lock(file):
                    yield index
                    return
        if attempt == 0:
            log.info("waiting for a GPU (jobs_per_gpu is %d)", jobs_per_gpu)
        time.sleep(PAUSE)
