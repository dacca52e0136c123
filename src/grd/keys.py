"""What decides each job, known before anything is made: fingerprints of its code, and keys of what it learns from."""

import hashlib
from functools import cache
from pathlib import Path

from grd.distillation import METHODS
from grd.fingerprint import Code
from grd.networks import NETWORKS
from grd.runs import Project, Run
from grd.training.folder import state_key


class Keys:
    """Of a project whose jobs' scripts lie in a folder. With a fingerprint come the script, and the names that it looks up."""

    def __init__(self, project: Project, scripts: Path) -> None:
        self.project, self.scripts, self._code = project, scripts, Code()
        self.data, self.run = cache(self._data), cache(self._run)

    def code(self, script: str, *chosen: object) -> str:
        """The fingerprint of the code that a script reaches; `chosen` are the names that it looks up at run time."""
        return self._code.described(self.scripts / f"{script}.py", chosen)

    def training(self, run: Run) -> str:
        """Of what trains a run."""
        return self.code("distil" if run.teacher else "train", *_networks(run), run.method)

    def prediction(self, script: str, run: Run, *chosen: object) -> str:
        """Of a script that uses a run's network."""
        return self.code(script, *_networks(run), self.project.dataset(run.dataset).rank, *chosen)

    def reporting(self, script: str, experiment: str) -> str:
        """Of a script that sets a table or draws a figure, with all that its runs were made with."""
        runs = self.project.runs(experiment)
        ranks = {self.project.dataset(run.dataset).rank for run in runs}
        return self.code(script, experiment, *_networks(*runs), *sorted({run.method for run in runs}), *sorted(ranks))

    def of_all_runs(self, script: str) -> str:
        """Of a script that looks at all networks and methods."""
        return self.code(script, *_networks(*self.project.all_runs()), *METHODS)

    def _data(self, dataset: str) -> str:
        """A digest of what decides the samples of a data set, as far as it is known before they are made."""
        source, twin = self.project.dataset(dataset), self.project.twin(dataset)
        split = "" if source.split == "archive" else source.split.read_text()
        made_by = [self.code(script, dataset) for script in ("obtain_archives", "prepare_samples")]
        drawn = twin and twin.model_dump(mode="json")
        content = source.content(), drawn, dataset in self.project.config.allow_missing, split, made_by
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def _run(self, run: Run) -> str:
        """The key of all that decides a run, its data and teacher included: nothing else is ever taken for it."""
        learns_from = [self.data(run.dataset), *([self.run(run.taught_by)] if run.taught_by else [])]
        return state_key(self.project.settings(run), self.training(run), learns_from)


def _networks(*runs: Run) -> list[str]:
    """The networks of runs and their teachers, and the files that they are in."""
    names = {name for run in runs for name in (run.network, run.teacher) if name}
    return sorted(names | {NETWORKS[name].module for name in names})
