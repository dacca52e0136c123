"""Table I's times at full size on one core of this machine: CPU seconds of the paper's networks, and of what follows them.

    python tests/benchmarks/table1.py OUT

Networks have random weights, since times do not depend on them, and full width; images are 544 × 544, volumes 84 × 268 × 268
voxels, as in Table I. What follows a network is the same for all networks of images: affinities, mutex watershed and clean-up.
It is measured on a twin of CVPPP at its real size, 530 × 500, with embeddings that are one random direction per leaf and noise.
Repeats are interleaved, medians are shown; `null` is ResUNet-tiny over itself, once more in each round. Writes OUT.json, OUT.md.
"""

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import cpu_seconds
from torch import Tensor

from grd.config.catalogue import NETWORKS
from grd.config.parsing import read_yaml
from grd.data.batches import pad_to
from grd.data.twins.cvppp import draw
from grd.losses.affinity import affinities, unit_vectors
from grd.networks import build
from grd.project.project import Project
from grd.project.run import Run
from grd.segmentation.images import Surroundings, segment_image
from grd.system.hardware import hardware

CANVASES = {2: (3, 544, 544), 3: (1, 84, 268, 268)}
SIZE = (530, 500)
REPEATS = 3
TEACHERS = {"resunet_tiny": "resunet", "mobilenet_v2": "resunet", "mala_tiny": "mala"}
HEADS = ("", "network, s", "of its teacher", "paper, on a GPU", "what follows, s", "image to instances, s", "of its teacher")


def main(out: str) -> None:
    torch.set_num_threads(1)
    project = Project.load(config=dict(read_yaml(Path("config/config.yaml"))) | {"scale": "paper"})
    printed = project.published["table1"]
    passes = {name: forward_pass(name) for name in printed if name in NETWORKS}
    after = what_follows(project)
    actions = {**passes, "null": passes["resunet_tiny"], "what follows": after}
    found: dict[str, list[float]] = {name: [] for name in actions}
    for repeat in range(REPEATS + 1):
        for name, action in actions.items():
            spent = cpu_seconds(action)
            if repeat:  # the first round warms up
                found[name].append(spent)
    seconds = {name: statistics.median(values) for name, values in found.items()}
    null = seconds.pop("null") / seconds["resunet_tiny"]
    facts = {"machine": hardware(), "null": round(null, 3), "seconds": {name: round(s, 3) for name, s in seconds.items()}}
    Path(f"{out}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    rows = [table_row(name, seconds, {other: printed[other]["seconds"] for other in passes}) for name in passes]
    lines = ["| " + " | ".join(row) + " |" for row in (HEADS, ["---"] * len(HEADS), *rows)]
    Path(f"{out}.md").write_text("\n".join(lines) + "\n")


def table_row(name: str, seconds: dict[str, float], printed: dict[str, float]) -> Sequence[str]:
    """A network's seconds, alone and with what follows, and their shares of its teacher's."""
    teacher, volumes = TEACHERS.get(name), NETWORKS[name].rank == 3
    after = 0.0 if volumes else seconds["what follows"]
    whole = {other: seconds[other] + after for other in printed}
    shares = [f"{100 * times[name] / times[teacher]:.1f} %" if teacher else "" for times in (seconds, printed, whole)]
    alone, both = f"{seconds[name]:.2f}", f"{whole[name]:.2f}"
    return [NETWORKS[name].title, alone, *shares[:2], *(["", "", ""] if volumes else [f"{after:.2f}", both, shares[2]])]


def forward_pass(name: str) -> Callable[[], Tensor]:
    rank = NETWORKS[name].rank
    layout = torch.channels_last if rank == 2 else torch.contiguous_format
    network = build(name, **NETWORKS[name].arguments).eval().to(memory_format=layout)
    image = torch.rand(1, *CANVASES[rank]).contiguous(memory_format=layout)
    return torch.inference_mode()(lambda: network(image))


def what_follows(project: Project) -> Callable[[], np.ndarray]:
    """Affinities, watershed and clean-up of a plant, by the segmenter of Table II."""
    dataset, offsets = project.dataset("cvppp"), project.settings(Run("cvppp", "resunet_tiny")).offsets
    segmenter: Any = dataset.segmenters[dataset.first_segmenter]
    rng = np.random.default_rng(0)
    labels = draw(rng, SIZE)[1]
    directions = rng.standard_normal((labels.max() + 1, 16)).astype(np.float32)
    vectors = torch.from_numpy(directions[labels] + rng.standard_normal((*SIZE, 16), np.float32)).movedim(-1, 0)[None]
    padded = pad_to(vectors.contiguous(), CANVASES[2][1:], "zero")

    @torch.inference_mode()
    def act() -> np.ndarray:
        maps = affinities(unit_vectors(padded), offsets)[0].numpy()
        return segment_image(maps, offsets, segmenter, Surroundings(SIZE, labels))

    return act


if __name__ == "__main__":
    main(sys.argv[1])
