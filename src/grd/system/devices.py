"""Devices that compute: their choice, names and precision, and errors for too little memory."""

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grd.errors import GrdError

OUT_OF_MEMORY = re.compile(r"out of memory|(not enough|can't allocate) memory|ALLOC_FAILED")
NAMES = re.compile(r"cpu|mps|cuda(:\d+)?")
REMEDY = "set `device: auto` in config/config.yaml, or call with --device auto"


def device_name(device: torch.device) -> str:
    """The GPU's name, or the CPU's instruction set and threads, which both decide the last bits of results."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()}, macOS {platform.mac_ver()[0]})"
    threads = torch.get_num_threads()
    return f"CPU ({torch.backends.cpu.get_cpu_capability()}), {threads} thread{'s' * (threads > 1)}"


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def choose_device(name: str, threads: int | None = None) -> torch.device:
    """The device 'auto' (a CUDA GPU if there is one, else the CPU), 'cpu', 'cuda', 'cuda:N', or 'mps' (the GPU of a Mac).

    `threads` sets the CPU's threads. GrdError for a GPU that is not there.

    From then on the process computes with full float32 on GPUs, as `allow_tf32` explains.
    """
    allow_tf32(False)
    if threads is not None:
        torch.set_num_threads(threads)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not NAMES.fullmatch(name):
        raise GrdError(f"device '{name}': expected auto, cpu, cuda, cuda:N or mps; {REMEDY}")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise GrdError(f"device '{name}': expected a GPU, found {torch.cuda.device_count()}; {REMEDY}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise GrdError(f"device '{name}': expected a Mac with a GPU that torch can use, found none; {REMEDY}")
    return device


def allow_tf32(allowed: bool) -> None:
    """Allow or forbid GPUs to round the factors of float32 products to TF32, which has 10 bits of mantissa instead of 23.

    PyTorch allows it in convolutions unless told otherwise, so that `float32` would mean TF32 on recent GPUs.
    """
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


@contextmanager
def product_precision(precision: str) -> Iterator[None]:
    """Compute float32 products as TF32 if `precision` is `tf32`, in full otherwise; in full again afterwards."""
    allow_tf32(precision == "tf32")
    try:
        yield
    finally:
        allow_tf32(False)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which a network's products and convolutions are in bfloat16 if `precision` says so, else in float32.

    PyTorch does sums, norms and products by element in float32 all the same.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def explain_memory_errors(what: str, device: torch.device) -> Iterator[None]:
    """Turn errors for too little memory into a GrdError, which says for `what`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        raise GrdError(
            f"{what}: expected enough memory on {device_name(device)}, found too little; take another `device`, or for a "
            "training a smaller batch_size (config/scales) or `sharing: run` (saved trainings are kept)"
        ) from error
