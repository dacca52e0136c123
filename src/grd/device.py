"""Which device computes, and what it is called."""

import torch

from grd.errors import GrdError


def device_name(device: torch.device) -> str:
    """What computes: the GPU's name, or the number of CPU threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


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
