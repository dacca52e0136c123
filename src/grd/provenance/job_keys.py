"""The pipeline's jobs, and what decides each of them, known before anything is made.

JOBS has an entry per kind of job: its script, its settings, the names that the script looks up at run time, and the jobs whose
outputs it reads. From these follow, for every job, three parameters of its rule:

    the settings    as they are
    code            the fingerprint of the script and of all code that it reaches
    made_of         the key of its inputs: a digest of settings, code and inputs of the jobs before it, back to the archives

Snakemake reruns a job when a parameter changes. Without `made_of` it would notice changes in earlier jobs by file times alone.
But when a job fails, Snakemake deletes its outputs and still records the new parameters; files that were made from the old
outputs would then wrongly count as up to date.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from grd.config.catalogue import METHODS, NETWORKS
from grd.project.project import Project
from grd.project.run import Run
from grd.project.titles import titles_of
from grd.provenance import origins
from grd.provenance.fingerprint import Code
from grd.system.digests import digest_of

NO_RUN = Run("", "")


@dataclass(frozen=True)
class Job:
    """A job: its kind, and the data set, run or experiment that it is for."""

    kind: str
    dataset: str = ""
    run: Run = NO_RUN
    experiment: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of job: its script, and as functions of project and job, its settings by name, names that the script looks up,
    and the jobs whose outputs it reads."""

    script: str
    settings: Mapping[str, Callable[[Project, Job], Any]] = field(default_factory=dict)
    chosen: Callable[[Project, Job], Iterable[object]] = lambda project, job: ()
    inputs: Callable[[Project, Job], Iterable[Job]] = lambda project, job: ()


class Keys:
    """Fingerprints and keys of a project's jobs, whose scripts lie in a folder."""

    def __init__(self, project: Project, scripts: Path) -> None:
        self.project, self.scripts, self._code = project, scripts, Code()
        self.key = cache(self._key)

    def _key(self, job: Job) -> str:
        """A digest of all that decides what a job makes."""
        return digest_of(job.kind, self.settings(job), self.made_of(job), self.code(job))

    def settings(self, job: Job) -> dict[str, Any]:
        """The settings that decide a job, beside its inputs and its code."""
        return {name: value(self.project, job) for name, value in JOBS[job.kind].settings.items()}

    def code(self, job: Job) -> str:
        """The fingerprint of all code that a job's script reaches, the script, and the names that it looks up at run time."""
        kind = JOBS[job.kind]
        return self._code.describe(self.scripts / f"{kind.script}.py", kind.chosen(self.project, job))

    def made_of(self, job: Job) -> str:
        """The key of a job's inputs."""
        return digest_of(*map(self.key, self.inputs(job)))

    def inputs(self, job: Job) -> list[Job]:
        """The jobs whose outputs a job reads."""
        return list(dict.fromkeys(JOBS[job.kind].inputs(self.project, job)))

    def identity(self, kind: str, experiment: str = "") -> dict[str, Callable[[Any], Any]]:
        """The parameters that decide a rule's jobs, as functions of its wildcards, or for the table or figure `experiment`."""
        values = {**JOBS[kind].settings, "code": lambda _, job: self.code(job), "made_of": lambda _, job: self.made_of(job)}

        def of_wildcards(value: Callable[[Project, Job], Any]) -> Callable[[Any], Any]:
            return lambda wildcards: value(self.project, replace(job_of(kind, wildcards), experiment=experiment))

        return {name: of_wildcards(value) for name, value in values.items()}


def job_of(kind: str, wildcards: Any) -> Job:
    """The job of a kind with the values of a rule's wildcards."""
    dataset, run = getattr(wildcards, "dataset", ""), getattr(wildcards, "run", None)
    return Job(kind, dataset, Run.from_name(dataset, run) if run else NO_RUN)


def training_of(run: Run) -> Job:
    """The job that trains a run."""
    return Job("train" if run.teacher is None else "distil", run.dataset, run)


def job_of_file(run: Run, file: str) -> Job:
    """The job that makes a run's file of one kind: `model`, `labels`, `scores`, `timing` or `history`."""
    if file == "history":
        return training_of(run)
    return Job({"scores": "score", "timing": "time_inference"}.get(file, "segment"), run.dataset, run)


def of_dataset(value: Callable[[Project, str], Any]) -> Callable[[Project, Job], Any]:
    """A function of project and data set as one of project and job."""
    return lambda project, job: value(project, job.dataset)


def plain(model: BaseModel | None) -> dict[str, Any] | None:
    """A part of the configuration as plain values."""
    return None if model is None else model.model_dump(mode="json")


def evaluation(project: Project, job: Job) -> dict[str, Any]:
    """All that decides how a run is segmented, and what its card says of the data."""
    dataset = project.dataset(job.dataset)
    title = f"{dataset.title} (synthetic twin)" if project.twin(job.dataset) else dataset.title
    return {
        "canvas": list(dataset.canvas),
        "segmenters": {name: plain(settings) for name, settings in dataset.segmenters.items()},
        "metric": dataset.metrics[0],
        "percentiles": dataset.percentiles and list(dataset.percentiles),
        "data": {"title": title, "cite": dataset.cite, "licence": dataset.licence, "page": dataset.page},
    }


def algorithms(project: Project, job: Job) -> list[str]:
    """The algorithms of a data set's segmenters."""
    return [settings.algorithm for settings in project.dataset(job.dataset).segmenters.values()]


def names_in_training(project: Project, job: Job) -> list[object]:
    """The names that a training looks up: network, teacher, method, and what selects its weights."""
    settings = project.settings(job.run)
    names: list[object] = [*network_names(job.run), job.run.method, settings.training.select]
    if settings.selection:
        names += [settings.selection.segmenter.algorithm, project.dataset(job.dataset).rank]
    return names


def contents(project: Project, job: Job) -> dict[str, Any]:
    """All that a table or figure shows beside the files that it is made from."""
    datasets = {name: project.dataset(name) for name in project.datasets_of(job.experiment)}
    return {
        "experiment": plain(project.experiments[job.experiment]),
        "published": project.published.get(project.experiments[job.experiment].rows_of or job.experiment),
        "scale": project.scale_title,
        "datasets": {name: [d.title, d.metrics, list(d.segmenters), d.resolution] for name, d in datasets.items()},
        "titles": titles_of(project, job.experiment),
    }


def claims_contents(project: Project, job: Job) -> dict[str, Any]:
    """All that the claims table shows beside the files that it is made from."""
    unseen = {"archives", "alternatives", "folder", "cite", "licence", "page"}
    shown = {run.dataset for run in project.all_runs()}
    return {
        "claims": digest_of(dict(project.claims)),
        "published": digest_of(dict(project.published)),
        "settings": digest_of([plain(project.settings(run)) for run in project.all_runs()]),
        "datasets": digest_of(
            [data.model_dump(mode="json", exclude=unseen) for name, data in project.datasets.items() if name in shown]
        ),
        "scale": project.scale_title,
    }


def network_names(*runs: Run) -> list[str]:
    """The networks of runs and their teachers, and the files that they are in."""
    names = {name for run in runs for name in (run.network, run.teacher) if name}
    return sorted(names | {NETWORKS[name].module for name in names})


def names_in_prediction(project: Project, job: Job) -> list[object]:
    """The names that a job looks up when it uses a run's network."""
    return [*network_names(job.run), project.dataset(job.dataset).rank]


def names_in_experiment(project: Project, job: Job) -> list[object]:
    """The names that a table or figure and its runs look up."""
    runs = project.runs(job.experiment)
    ranks, methods = {project.dataset(run.dataset).rank for run in runs}, {run.method for run in runs}
    module = project.experiments[job.experiment].module or job.experiment
    return [module, *network_names(*runs), *sorted(methods), *sorted(ranks)]


def names_in_all(project: Project, job: Job) -> list[object]:
    """All networks and methods."""
    return [*network_names(*project.all_runs()), *METHODS]


def samples_and_teacher(project: Project, job: Job) -> list[Job]:
    """The jobs that make what a run learns from."""
    teacher = job.run.taught_by
    return [Job("prepare_samples", job.dataset), *([training_of(teacher)] if teacher else [])]


def files_of_experiment(project: Project, job: Job) -> list[Job]:
    """The jobs that make what a table or figure shows: files of its runs, and the samples."""
    needs, runs = project.experiments[job.experiment].needs, project.shown_runs(job.experiment)
    files = [job_of_file(run, file) for run in runs for file in needs]
    return [*files, *(Job("prepare_samples", dataset) for dataset in project.datasets_of(job.experiment))]


def artefacts(project: Project, job: Job) -> list[Job]:
    """All tables and figures."""
    tables = [Job("table", experiment=name) for name in project.tables]
    return [*tables, *(Job("figure", experiment=name) for name in project.figures)]


def judged(project: Project, job: Job) -> list[Job]:
    """What claims are judged on: the one table that the job is for, or all tables and figures."""
    return [Job("table", experiment=job.experiment)] if job.experiment else artefacts(project, job)


def publication(project: Project, job: Job) -> list[Job]:
    """All tables and figures, claims and loss curves."""
    datasets = dict.fromkeys(run.dataset for run in project.all_runs())
    return [*artefacts(project, job), Job("claims"), *(Job("loss_curves", dataset) for dataset in datasets)]


TRAINING = Kind(
    "train",
    settings={"run": lambda project, job: plain(project.settings(job.run))},
    chosen=names_in_training,
    inputs=samples_and_teacher,
)

JOBS: dict[str, Kind] = {
    "obtain_archives": Kind(
        "obtain_archives",
        settings={
            "wanted": of_dataset(origins.source),
            "twin": lambda project, job: plain(project.twin(job.dataset)),
            "twin_names": of_dataset(origins.twin_names),
            "files": of_dataset(origins.files_digest),
        },
        chosen=of_dataset(origins.names_in_files),
    ),
    "prepare_samples": Kind(
        "prepare_samples",
        settings={
            "source": of_dataset(origins.source),
            "split_digest": of_dataset(origins.split_digest),
            "allow_missing": lambda project, job: job.dataset in project.config.allow_missing,
        },
        chosen=of_dataset(origins.names_in_files),
        inputs=lambda project, job: [Job("obtain_archives", job.dataset)],
    ),
    "train": TRAINING,
    "distil": replace(TRAINING, script="distil"),
    "collect_student": Kind(
        "collect_student",
        settings=TRAINING.settings,
        inputs=lambda project, job: [training_of(job.run)],
    ),
    "time_inference": Kind(
        "time_inference",
        settings={"segmenter": lambda project, job: project.dataset(job.dataset).first_segmenter},
        chosen=lambda project, job: [*names_in_prediction(project, job), *algorithms(project, job)],
        inputs=lambda project, job: [Job("segment", job.dataset, job.run)],
    ),
    "segment": Kind(
        "segment",
        settings={"evaluation": evaluation},
        chosen=lambda project, job: [*names_in_prediction(project, job), *algorithms(project, job)],
        inputs=lambda project, job: [training_of(job.run)],
    ),
    "score": Kind(
        "score",
        chosen=lambda project, job: [project.dataset(job.dataset).rank],
        inputs=lambda project, job: [Job("segment", job.dataset, job.run)],
    ),
    "table": Kind("table", settings={"shown": contents}, chosen=names_in_experiment, inputs=files_of_experiment),
    "figure": Kind("figure", settings={"shown": contents}, chosen=names_in_experiment, inputs=files_of_experiment),
    "ship": Kind("ship", settings={"shown": contents}, chosen=names_in_experiment, inputs=files_of_experiment),
    "claims": Kind(
        "claims",
        settings={"shown": claims_contents, "table": lambda project, job: job.experiment},
        chosen=names_in_all,
        inputs=judged,
    ),
    "loss_curves": Kind(
        "curves",
        settings={"shown": lambda project, job: {"title": project.dataset(job.dataset).title, "scale": project.scale_title}},
        chosen=names_in_all,
        inputs=lambda project, job: [training_of(run) for run in project.all_runs() if run.dataset == job.dataset],
    ),
    "document": Kind("document", chosen=names_in_all, inputs=publication),
    "report": Kind("report", inputs=publication),
    "pdf": Kind("pdf", inputs=publication),
}
