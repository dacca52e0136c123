"""What computes, and with which versions: for results that say how they were made."""

import os
import platform
import re
import sys
from pathlib import Path

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "h5py",
    "scikit-image",
    "pandas",
    "matplotlib",
    "python-elf",
    "bioimage-cpp",
    "waterz",
    "snakemake",
)


INSTALLED = re.compile(r"([^-]+)-([^-]+)(-py[\d.]+)?\.(dist|egg)-info")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, as far as they are installed.

    By the names of their folders, which takes a millisecond; importlib.metadata, which reads them, would take most of some jobs.
    """
    found: dict[str, str] = {}
    for folder in reversed([*filter(os.path.isdir, sys.path)]):
        named = filter(None, map(INSTALLED.fullmatch, os.listdir(folder)))
        found |= {name[1].lower().replace("_", "-"): name[2] for name in named}
    return {"Python": platform.python_version(), **{package: found[package] for package in PACKAGES if package in found}}


def hardware() -> dict[str, str]:
    """Processor, cores, memory, and the GPUs that torch sees."""
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "GPU": ", ".join(gpus) or "none",
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
