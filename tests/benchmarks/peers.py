"""CPU seconds of networks alone for an image of 520 × 696 pixels on one thread: the paper's and those of other programs.

    python tests/benchmarks/peers.py OUT

Writes OUT.json and, as a picture, OUT.png. All weights are random, since times do not depend on them. Networks take the image as
their programs give it to them: padded to what they need, or in tiles (Cellpose-SAM: 256 × 256 with a tenth of overlap, 12 tiles;
one is timed and counted 12 times). What programs do before and after their networks is not in it, and takes longer than a small
network does. Programs that are not installed are left out; none of them belongs to this project's environment:

    pip install stardist tensorflow instanseg-torch cellpose

Repeats are interleaved, medians are shown; `null` is ResUNet-tiny over itself, once more in each round.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from grd.config.catalogue import NETWORKS
from grd.networks import build
from grd.system.hardware import hardware

CANVAS = (528, 704)  # multiples of 16 and 32 from 520 x 696 on
TILES = 12
REPEATS = 3
OURS = ("mobilenet_v2", "resunet_tiny", "resunet", "nested_unet")

Action = Callable[[], Any]


def of_this_project(name: str, half: bool = False) -> tuple[str, Action, int]:
    network = build(name).eval().to(memory_format=torch.channels_last)
    image = torch.rand(1, 3, *CANVAS).contiguous(memory_format=torch.channels_last)

    def forward() -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            network(image)

    return NETWORKS[name].title + ", bfloat16" * half, forward, 1


def stardist() -> tuple[str, Action, int]:
    import tensorflow
    from stardist.models import Config2D, StarDist2D

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    network = StarDist2D(Config2D(n_rays=32, grid=(2, 2)), name=None, basedir=None).keras_model
    image = torch.rand(1, *CANVAS, 1).numpy()
    return "StarDist, U-Net, grid 2", lambda: network.predict(image, verbose=0), 1


def instanseg() -> tuple[str, Action, int]:
    from instanseg.utils.models.InstanSeg_UNet import InstanSeg_UNet

    network = InstanSeg_UNet(3, [[2, 2, 1]]).eval()
    return "InstanSeg, U-Net", torch.inference_mode()(lambda: network(torch.rand(1, 3, *CANVAS))), 1


def cellpose() -> tuple[str, Action, int]:
    from cellpose.vit import CPSAM

    network = CPSAM().eval()
    return f"Cellpose-SAM, {TILES} tiles", torch.inference_mode()(lambda: network(torch.rand(1, 3, 256, 256))), TILES


PEERS = {"stardist": stardist, "instanseg": instanseg, "cellpose": cellpose}


def main(out: str) -> None:
    torch.set_num_threads(1)
    missing = [name for name in PEERS if not find_spec(name)]
    networks = [*map(of_this_project, OURS), of_this_project("resunet_tiny", half=True)]
    networks += [peer() for name, peer in PEERS.items() if name not in missing]
    again = of_this_project("resunet_tiny")
    found: dict[str, list[float]] = {name: [] for name, _, _ in networks}
    null = []
    for _, action, _ in [*networks, again]:
        action()  # warms up
    for _ in range(REPEATS):
        for name, action, times in networks:
            found[name].append(times * cpu_seconds(action))
        null.append(cpu_seconds(again[1]))
    seconds = {name: statistics.median(values) for name, values in found.items()}
    ratio = statistics.median(null) / seconds[again[0]]
    rounded = {name: round(value, 3) for name, value in sorted(seconds.items(), key=lambda item: item[1])}
    facts = {"machine": hardware(), "null": round(ratio, 3), "not installed": missing, "seconds": rounded}
    Path(f"{out}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    draw(rounded, [title for title, _, _ in networks[: len(OURS) + 1]], Path(f"{out}.png"))


def cpu_seconds(action: Action) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def draw(seconds: dict[str, float], ours: list[str], path: Path) -> None:
    """Bars, the fastest on top; this project's in colour."""
    figure, axes = plt.subplots(figsize=(6.5, 0.8 + 0.3 * len(seconds)), layout="constrained")
    bars = axes.barh(list(seconds), list(seconds.values()), color=["#0072b2" if name in ours else "0.7" for name in seconds])
    axes.bar_label(bars, [f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in seconds.values()], padding=3)
    limits = (min(seconds.values()) / 3, max(seconds.values()) * 3)
    axes.set(xscale="log", xlim=limits, xlabel="CPU seconds per image of 520 × 696, network alone, one thread")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(sys.argv[1])
