"""Paths of all files below results/<scale>/ and in the data folder."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from grd.errors import GrdError
from grd.project.project import Project
from grd.project.run import Run

WEIGHTS, LAST, HISTORY, ACCOUNT = TRAINED = "weights.pt", "last.pt", "history.jsonl", "training.json"
"""The files of a finished training: selected and last weights, losses, account."""
CHECKPOINT = re.compile(r"(\d+)-([0-9a-f]{16})\.pt")
"""The name of a checkpoint: its step, and the first digits of its SHA-256."""


@dataclass(frozen=True)
class Layout:
    """Paths of one scale; `data` is the folder that all scales with real data share."""

    results: Path
    data: Path

    @classmethod
    def of(cls, project: Project) -> "Layout":
        """Paths of a project's scale, relative to the working directory."""
        return cls(Path("results") / project.config.scale, project.config.data)

    def archives(self, dataset: str, twin: bool) -> Path:
        """Folder of a data set's archives."""
        return (self.results / "data" if twin else self.data) / "archives" / dataset

    @property
    def inbox(self) -> Path:
        """Folder in which users place archives."""
        return self.data / "inbox"

    def samples(self, dataset: str) -> Path:
        """A prepared data set."""
        return self.results / "data" / f"{dataset}.h5"

    def run(self, run: Run) -> Path:
        """The folder of a run."""
        return self.results / "runs" / run.dataset / run.name

    def run_at(self, path: Path | str) -> Run:
        """The run whose folder `path` is or lies in; GrdError for a path elsewhere."""
        below = os.path.relpath(path, self.results / "runs").split(os.sep)
        if len(below) < 2 or below[0] == os.pardir:
            folder = self.results / "runs/DATASET/RUN"
            raise GrdError(f"{path}: expected {folder} or a file in such a folder, found another path; correct it, or the scale")
        return Run.from_name(below[0], below[1])

    def weights(self, run: Run) -> Path:
        """A run's selected weights, as training leaves them."""
        return self.run(run) / WEIGHTS

    def model(self, run: Run) -> Path:
        """A run's weights, with a card that says how to use them."""
        return self.run(run) / "model.pt"

    def history(self, run: Run) -> Path:
        """A run's losses, step by step."""
        return self.run(run) / HISTORY

    def labels(self, run: Run) -> Path:
        """A run's segmentations of the test images."""
        return self.run(run) / "labels.h5"

    def scores(self, run: Run) -> Path:
        """A run's scores on the test images."""
        return self.run(run) / "scores.csv"

    def timing(self, run: Run) -> Path:
        """A run's inference times."""
        return self.run(run) / "timing.csv"

    def shipped(self, experiment: str) -> Path:
        """The model that ships under the name of its experiment, `model_NAME`; its card and picture lie beside it."""
        return self.results / "models" / f"{experiment.removeprefix('model_')}.pt"

    def record(self, run: Run, key: str) -> Path:
        """Record of how a student's training ended; `key` is the key of all that decides the training."""
        return self.results / "trained" / run.dataset / f"{run.name}-{key}.json"

    @property
    def benchmark(self) -> Path:
        """File of measured times and memory of training steps."""
        return self.results / "benchmark.json"

    @property
    def state(self) -> Path:
        """Folder of unfinished and finished trainings; no rule's output, so Snakemake never deletes it."""
        return self.results / "state"
