"""Size of each distillation term's gradient on the student, over that of L_aff, on the demo's data and teachers.

    python tests/benchmarks/gradient_sizes.py [STEPS]

Run the demo first. For each method and student of the ResUNet teacher, a new training starts. After a third, two thirds and
all of STEPS it compares the gradients of the weighted terms on all parameters of the student. csv to stdout.
"""

import sys
import tempfile
from pathlib import Path

import torch

from grd.data.batches import device_split
from grd.data.store import read_split
from grd.networks.model_file import load_model
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.training.folder import TrainingFolder
from grd.training.student import Student
from grd.training.view import Supervision, geometry_of, view

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]


def sizes(student: Student, terms: dict[str, torch.Tensor]) -> dict[str, float]:
    """Norm over all parameters of each weighted term's gradient."""
    parameters, weights = list(student.network.parameters()), {"affinity": 1.0, **student.method.weights}
    norms = {}
    for name, weight in weights.items():
        found = torch.autograd.grad(weight * terms[name], parameters, retain_graph=True, allow_unused=True)
        norms[name] = torch.stack([g.square().sum() for g in found if g is not None]).sum().sqrt().item()
    return norms


def main(steps: int = 90) -> None:
    torch.set_num_threads(1)
    project = Project.load(ROOT / "config", {"scale": "demo", "seeds": [0]})
    layout = Layout(ROOT / "results/demo", ROOT / "data")
    sys.stdout.write("dataset,run,step,term,over_affinity\n")
    for run in (run for run in project.runs("table2") if run.teacher == "resunet"):
        chosen = project.settings(run)
        samples = layout.samples(run.dataset)
        data = device_split(read_split(samples, "training"), chosen.normalisation, CPU, widen=True)
        teacher = load_model(layout.model(Run(run.dataset, "resunet")), CPU)[0].requires_grad_(False)
        student = Student(chosen, teacher, data.instances, TrainingFolder(Path(tempfile.mkdtemp())), CPU)
        for step in range(1, steps + 1):
            geometry = geometry_of(student.network, chosen)
            batch = data.training_batch(chosen.augment, geometry, chosen.training.batch_size, chosen.seed, step)
            supervision = Supervision.of(batch, chosen.offsets)
            with torch.no_grad():
                theirs = view(teacher, batch, student.levels, chosen, data.instances)
            if step % (steps // 3) == 0:
                student.network.train()
                norms = sizes(student, student.terms(batch, supervision, theirs))
                for name in student.method.weights:
                    sys.stdout.write(f"{run.dataset},{run.name},{step},{name},{norms[name] / norms['affinity']:.4g}\n")
            student.advance(batch, supervision, theirs)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
