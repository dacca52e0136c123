"""Which device computes, what it is called, and whose turn it is where GPUs are shared."""

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch

from grd.errors import GrdError
from grd.provenance.passport import Job, recorded
from grd.system.files import lock, opened_for_locking

GPU_PLACES = Path(tempfile.gettempdir()) / f"grd-gpus-{os.getuid()}"
"""Files of which each stands for a job's place on a GPU: the job that has locked it computes there."""
PAUSE = 1.0  # seconds between looks for a free place
OUT_OF_MEMORY = re.compile(r"out of memory|(not enough|can't allocate) memory|ALLOC_FAILED")

log = logging.getLogger(__name__)


def device_name(device: torch.device) -> str:
    """What computes: the GPU's name, or the CPU's instruction set, which decides the last bits as its threads do."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({torch.backends.cpu.get_cpu_capability()}), {torch.get_num_threads()} threads"


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """'auto' (a GPU if there is one), 'cpu', 'cuda' or 'cuda:N', with so many CPU threads; GrdError for a GPU that is not
    there."""
    if threads is not None:
        torch.set_num_threads(threads)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise GrdError(f"device '{name}': expected auto, cpu, cuda or cuda:N; set `device` in config/config.yaml") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise GrdError(
            f"device '{name}': expected a GPU, found {torch.cuda.device_count()}; set `device: auto` in config/config.yaml"
        )
    return device


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


@contextmanager
def computing(job: Job) -> Iterator[tuple[torch.device, dict[str, Any]]]:
    """`recorded` for a job that computes on the device of the configuration, with its threads; yields device and facts."""
    what, config = " ".join([job.rule, *(str(value) for _, value in job.wildcards.items())]), job.config
    with recorded(job) as facts, claimed_device(what, config["device"], job.threads, config["jobs_per_gpu"]) as device:
        facts["device"] = device_name(device)
        yield device, facts


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


@contextmanager
def enough_memory(what: str, device: torch.device) -> Iterator[None]:
    """Within this context memory that does not suffice is a GrdError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        raise GrdError(
            f"{what}: expected enough memory on {device_name(device)}, found too little; take another `device`, or for a "
            "training a smaller batch_size (config/scales) or `sharing: run` (what was saved is kept)"
        ) from error
