"""What the terms between images (Eq. 4 and 7) have to teach students that are trained already.

    python tests/benchmarks/between_images.py RESULTS SCALE DATASET

For the students of BISKD and GRD of seed 0 in RESULTS, on training crops, with a bank that their teacher has filled: the share of
the bank's second moment along its first axis, the cosine of this axis and of the mean direction of background pixels, the share
of Eq. 7 that background pixels have, and the norm of each weighted term's gradient over that of L_aff. csv to stdout.
"""

import sys
import tempfile
from pathlib import Path

import torch
from gradient_sizes import sizes
from torch import Tensor

from grd.config.parsing import read_yaml
from grd.data.batches import DeviceSplit, device_split
from grd.data.store import read_split
from grd.distillation.grd import GRD
from grd.distillation.method import View
from grd.losses.affinity_graph import gram
from grd.networks.model_file import load_model
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run, RunSettings
from grd.training.folder import TrainingFolder
from grd.training.student import Student
from grd.training.view import Supervision, geometry_of, view

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
FILLED, MEASURED = 8, 4  # batches


def first_axis(moments: Tensor) -> tuple[float, Tensor]:
    """Share of the trace of mean second moments (L, D, D) along their first axis, and this axis (D,)."""
    strengths, axes = torch.linalg.eigh(moments.mean(0))
    return float(strengths[-1] / strengths.sum()), axes[:, -1]


def background_cosine(teacher: View, axis: Tensor) -> float:
    """Cosine, without its sign, of an axis and the mean direction of a batch's background pixels."""
    mean = teacher.unit_vectors.movedim(1, -1)[teacher.labels == 0].mean(0)
    return float((mean / mean.norm() @ axis).abs())


def background_share(student: View, teacher: View, moments: Tensor) -> float:
    """Share of Eq. 7 that a batch's background pixels have, by (s_p - t_p)ᵀ mean(m mᵀ) (s_p - t_p) of each pixel p."""
    difference = (student.unit_vectors - teacher.unit_vectors).movedim(1, -1)
    by_pixel = ((difference @ moments.mean(0)) * difference).sum(-1)
    return float(by_pixel[teacher.labels == 0].sum() / by_pixel.sum())


def measure(layout: Layout, settings: RunSettings, run: Run, data: DeviceSplit) -> None:
    """Measure one student: `settings` are those of GRD, `run` says whose weights the student has."""
    teacher = load_model(layout.weights(run.taught_by), CPU)[0].requires_grad_(False).eval()
    student = Student(settings, teacher, data.instances, TrainingFolder(Path(tempfile.mkdtemp())), CPU)
    student.network.load_state_dict(load_model(layout.weights(run), CPU)[0].state_dict())
    method, geometry = student.method, geometry_of(student.network, settings)
    assert isinstance(method, GRD)
    for step in range(FILLED + MEASURED):
        batch = data.training_batch(settings.augment, geometry, settings.training.batch_size, settings.seed, 10**6 + step)
        with torch.no_grad():
            theirs = view(teacher, batch, (), settings, data.instances)
        if step < FILLED:
            method.bank.enqueue(*theirs.nodes, gram(theirs.unit_vectors))
            continue
        moments = method.bank.grams[: len(method.bank)]
        share, axis = first_axis(moments)
        with torch.no_grad():
            ours = view(student.network, batch, (), settings, data.instances)
        found = {"first_axis": share, "its_cosine_with_background": background_cosine(theirs, axis)}
        found["eq7_on_background"] = background_share(ours, theirs, moments)
        norms = sizes(student, student.terms(batch, Supervision.of(batch, settings.offsets), theirs))
        found |= {f"gradient_{name}": norm / norms["affinity"] for name, norm in norms.items()}
        for name, value in found.items():
            sys.stdout.write(f"{run.dataset},{run.name},{step - FILLED},{name},{value:.4g}\n")


def main(results: str, scale: str, dataset: str) -> None:
    torch.set_num_threads(1)
    config = read_yaml(ROOT / "config/config.yaml")
    project = Project.load(ROOT / "config", config | {"scale": scale, "seeds": [0]})
    layout = Layout(Path(results), ROOT / "data")
    settings = project.settings(Run(dataset, "resunet_tiny", "grd", "resunet"))
    data = device_split(read_split(layout.samples(dataset), "training"), settings.normalisation, CPU, widen=True)
    sys.stdout.write("dataset,student,batch,quantity,value\n")
    for method in ("biskd", "grd"):
        measure(layout, settings, Run(dataset, "resunet_tiny", method, "resunet"), data)


if __name__ == "__main__":
    main(*sys.argv[1:])
