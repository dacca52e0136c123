# What the rules share: the validated configuration, the paths, and small helpers that take wildcards.

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError
from grd.planning.estimate import read_benchmark
from grd.provenance.job_keys import Keys
from grd.project.paths import Layout
from grd.jobs import PLANNED
from grd.reporting.latex import INSTALL, missing_latex
from grd.planning.resources import training_resources
from grd.project.groups import all_groups
from grd.project.project import Project
from grd.project.run import Run


@contextmanager
def told():
    """Within this context a GrdError ends the call with its sentence, and nothing else."""
    try:
        yield
    except GrdError as error:
        sys.exit(f"error: {error}")


with told():
    PROJECT = Project.load(Path("config"), config)
    LAYOUT = Layout.of(PROJECT)
    BENCHMARK = read_benchmark(LAYOUT.benchmark)
    if workflow.is_main_process:
        from grd.distillation import check_methods
        from grd.reporting.claims import check_names, load_claims
        from grd.reporting.claims.evidence import published_numbers

        check_methods(PROJECT)
        check_names(load_claims(), published_numbers(PROJECT.published))

# For scripts: what does not decide a result is no parameter; and since when their code has to be what it is.
config |= PROJECT.config.model_dump(mode="json")
os.environ[PLANNED] = str(time.time())

LATEX = not missing_latex()
if workflow.is_main_process and not LATEX:
    logger.warning(
        f"LaTeX lacks {', '.join(missing_latex())}: reproduction.pdf is left out, its sources and all else are made. {INSTALL}"
    )

TWINS = PROJECT.scale.data == "twins"
RESULTS, LOGS, BENCHMARKS = (
    LAYOUT.results / name for name in (".", "logs", "benchmarks")
)
TABLES, FIGURES = RESULTS / "tables", RESULTS / "figures"
SCALE = f"Scale {PROJECT.config.scale}: {PROJECT.scale.title}."
if TWINS:
    SCALE += " The data are synthetic twins: no score or time here compares with a published one."

WITHOUT_TEACHER = r"[a-z0-9_]+-s\d+"
WITH_TEACHER = r"[a-z0-9_]+-[a-z0-9_]+-[a-z0-9_]+(-[a-z_]+[0-9.]+)*-s\d+"

WORKFLOW = Path(os.path.relpath(Path(workflow.main_snakefile).parent))
REPORT = WORKFLOW / "report"
KEYS = Keys(PROJECT, WORKFLOW / "scripts")


def settings_of(run):
    return PROJECT.settings(run).model_dump(mode="json")


def run_named(wildcards):
    return Run.named(wildcards.dataset, wildcards.run)


def run_settings(wildcards):
    return settings_of(run_named(wildcards))


def run_key(wildcards):
    return KEYS.run(run_named(wildcards))


def gpus(wildcards):
    """How many GPUs a job asks for that computes where `device` says; `auto` asks for none on a machine that has none."""
    if PROJECT.config.device == "auto" and workflow.local_exec:
        from torch.cuda import is_available

        return int(is_available())
    return int(PROJECT.config.device != "cpu")


def growing(number):
    """What a job asks a cluster for: more at every attempt."""
    return lambda wildcards, attempt: attempt * number


def source_of(wildcards):
    return PROJECT.datasets[wildcards.dataset]


def split_file(wildcards):
    """The data set's split file, where the split is not in an archive."""
    split = source_of(wildcards).split
    return [] if split == "archive" else [str(split)]


def twin_settings(wildcards):
    """How the data set's twin is drawn; None where the scale has real data."""
    twin = PROJECT.twin(wildcards.dataset)
    return twin and twin.model_dump(mode="json")


def archive_folder(wildcards, output):
    return str(LAYOUT.archives(wildcards.dataset, TWINS))


def training(runs, attempt):
    """What a job that trains these runs asks a cluster for."""
    return training_resources(PROJECT, runs, BENCHMARK, attempt)


def record_of(run):
    """How a student's training ended."""
    return LAYOUT.record(run, KEYS.run(run))


def rank_of(wildcards):
    """2 for data sets of images, 3 for volumes."""
    return source_of(wildcards).rank


def canvas(wildcards):
    return list(source_of(wildcards).canvas)


def predicted_splits(wildcards):
    return list(source_of(wildcards).predicted_splits)


def segmenter_settings(wildcards):
    return source_of(wildcards).segmenters[wildcards.segmenter].model_dump(mode="json")


def first_segmenter_settings(wildcards):
    return next(iter(source_of(wildcards).segmenters.values())).model_dump(mode="json")
