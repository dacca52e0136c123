"""Cost of all GRD loss terms beside that of ResUNet-tiny itself, forward and backward, at 2 x 16 x 544 x 544.

    python tests/benchmarks/loss_time.py [REPEATS] [THREADS]

The terms are L_aff and GRD's five with a full bank (K = 32, L = 12); the time includes all that they derive from the teacher's
embedding, but not the teacher's network. Repeats are interleaved; `null` is the network's cost over itself. JSON to stdout.
"""

import json
import platform
import statistics
import sys
import time

import torch

from grd.config.general import Fidelity
from grd.distillation.grd import GRD
from grd.distillation.method import Context, Moment, View
from grd.losses.affinity import affinity_loss, affinity_targets, existing_pairs
from grd.networks import build
from grd.project.offsets import offsets_of

SIDE, BATCH, INSTANCES = 544, 2, 31
OFFSETS = offsets_of(((1, 3, 5, 9, 27),) * 2)


def main(repeats: int = 7, threads: int = 2) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    images = torch.rand(BATCH, 3, SIDE, SIDE)
    blocks = torch.randint(0, INSTANCES, (BATCH, 17, 17))
    labels = blocks.repeat_interleave(32, 1).repeat_interleave(32, 2)
    network = build("resunet_tiny")
    student = torch.randn(BATCH, 16, SIDE, SIDE, requires_grad=True)
    teacher = torch.randn(BATCH, 16, SIDE, SIDE)
    method = GRD(Context(Fidelity(), {}, {}, {}, OFFSETS, INSTANCES, dimension=16))

    def step_of_network() -> None:
        network(images).sum().backward()

    def step_of_terms(step: int = 0) -> None:
        ours, theirs = (View(embedding, {}, labels, OFFSETS, INSTANCES) for embedding in (student, teacher))
        targets, exist = affinity_targets(labels, OFFSETS), existing_pairs(OFFSETS, labels.shape[1:])
        terms = method.terms(ours, theirs, Moment(0, step, 100))
        total = affinity_loss(ours.affinities, targets, exist)
        (total + sum(method.weights[name] * term for name, term in terms.items())).backward()

    for _ in range(16):
        with torch.no_grad():
            theirs = View(torch.randn(BATCH, 16, 64, 64), {}, labels[:, :64, :64], OFFSETS, INSTANCES)
            method.bank.enqueue(*theirs.nodes, theirs.gram("paper"))
    seconds: dict[str, list[float]] = {"network": [], "terms": [], "network_again": []}
    for action in (step_of_network, step_of_terms):
        action()
    for _ in range(repeats):
        for name, action in (("network", step_of_network), ("terms", step_of_terms), ("network_again", step_of_network)):
            began = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - began)
    ratio = [a / b for a, b in zip(seconds["terms"], seconds["network"], strict=True)]
    null = [a / b for a, b in zip(seconds["network_again"], seconds["network"], strict=True)]
    result = {name: {"median": statistics.median(values), "min": min(values)} for name, values in seconds.items()}
    result |= {"terms_over_network": statistics.median(ratio), "null": statistics.median(null)}
    result |= {"repeats": repeats, "threads": threads, "torch": torch.__version__, "machine": platform.machine()}
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
