"""What decides each job, known before anything is made: fingerprints of its code, and keys of all that its inputs come from.

A job has the key of its inputs among its parameters. Snakemake follows times from job to job; but of a job that fails it deletes
the outputs and records the parameters all the same, and whatever was made of them before would then pass for up to date.
"""

from functools import cache
from pathlib import Path

from grd.config.catalogue import METHODS, NETWORKS
from grd.project.project import Project
from grd.project.run import Run
from grd.provenance.fingerprint import Code
from grd.system.digests import digest_of


class Keys:
    """Of a project whose jobs' scripts lie in a folder. With a fingerprint come the script, and the names that it looks up."""

    def __init__(self, project: Project, scripts: Path) -> None:
        self.project, self.scripts, self._code = project, scripts, Code()
        self.data, self.run, self.affinities = cache(self._data), cache(self._run), cache(self._affinities)

    def code(self, script: str, *chosen: object) -> str:
        """The fingerprint of the code that a script reaches; `chosen` are the names that it looks up at run time."""
        return self._code.described(self.scripts / f"{script}.py", chosen)

    def training(self, run: Run) -> str:
        """Of what trains a run."""
        return self.code("distil" if run.teacher else "train", *_networks(run), run.method)

    def prediction(self, script: str, run: Run, *chosen: object) -> str:
        """Of a script that uses a run's network."""
        return self.code(script, *_networks(run), self.project.dataset(run.dataset).rank, *chosen)

    def timing(self, run: Run) -> str:
        """Of what measures a run's time, segmentation included."""
        first = next(iter(self.project.dataset(run.dataset).segmenters.values()))
        return self.prediction("time_inference", run, first.algorithm)

    def segmentation(self, dataset: str, segmenter: str) -> str:
        """Of what segments a data set."""
        return self.code("segment", self.project.dataset(dataset).segmenters[segmenter].algorithm)

    def scoring(self, dataset: str) -> str:
        """Of what scores a data set."""
        return self.code("score", self.project.dataset(dataset).rank)

    def reporting(self, script: str, experiment: str) -> str:
        """Of a script that sets a table or draws a figure, with all that its runs were made with."""
        runs = self.project.runs(experiment)
        ranks = {self.project.dataset(run.dataset).rank for run in runs}
        return self.code(script, experiment, *_networks(*runs), *sorted({run.method for run in runs}), *sorted(ranks))

    def of_all_runs(self, script: str) -> str:
        """Of a script that looks at all networks and methods."""
        return self.code(script, *_networks(*self.project.all_runs()), *METHODS)

    def archives(self, dataset: str) -> str:
        """The key of a data set's archives."""
        twin = self.project.twin(dataset)
        drawn = twin and twin.model_dump(mode="json")
        return digest_of(self.project.dataset(dataset).content(), drawn, self.code("obtain_archives", dataset))

    def _data(self, dataset: str) -> str:
        """The key of a data set's samples."""
        split = self.project.dataset(dataset).split
        listed = "" if split == "archive" else split.read_text()
        allowed = dataset in self.project.config.allow_missing
        return digest_of(self.archives(dataset), listed, allowed, self.code("prepare_samples", dataset))

    def _run(self, run: Run) -> str:
        """The key of a run's model, its data and teacher included: nothing else is ever taken for it."""
        learns_from = [self.data(run.dataset), *([self.run(run.taught_by)] if run.taught_by else [])]
        return self.project.settings(run).key(self.training(run), learns_from)

    def _affinities(self, run: Run) -> str:
        """The key of a run's affinities."""
        dataset = self.project.dataset(run.dataset)
        return digest_of(self.run(run), dataset.predicted_splits, dataset.canvas, self.prediction("predict", run))

    def labels(self, run: Run, segmenter: str) -> str:
        """The key of a run's segmentation."""
        settings = self.project.dataset(run.dataset).segmenters[segmenter].model_dump(mode="json")
        return digest_of(self.affinities(run), settings, self.segmentation(run.dataset, segmenter))

    def of_run(self, run: Run, what: str) -> str:
        """The key of a run's files of one kind: `model`, `history`, `labels`, `scores` or `timing`."""
        dataset = self.project.dataset(run.dataset)
        match what:
            case "labels":
                return digest_of([self.labels(run, segmenter) for segmenter in dataset.segmenters])
            case "scores":
                return digest_of(self.of_run(run, "labels"), self.scoring(run.dataset))
            case "timing":
                first = next(iter(dataset.segmenters.values())).model_dump(mode="json")
                return digest_of(self.run(run), dataset.canvas, first, self.timing(run))
        return self.run(run)


def _networks(*runs: Run) -> list[str]:
    """The networks of runs and their teachers, and the files that they are in."""
    names = {name for run in runs for name in (run.network, run.teacher) if name}
    return sorted(names | {NETWORKS[name].module for name in names})
