# What the rules share: the validated configuration, the paths, and small helpers that take wildcards.

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError
from grd.jobs import PLANNED
from grd.planning.estimate import read_benchmark, training_resources
from grd.project.groups import all_groups
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import Run
from grd.provenance.job_keys import Job, Keys, training_of
from grd.reporting.latex import INSTALL, missing_latex


@contextmanager
def one_sentence():
    """Within this context a GrdError ends the call with its sentence, and nothing else."""
    try:
        yield
    except GrdError as error:
        sys.exit(f"error: {error}")


with one_sentence():
    PROJECT = Project.load(Path("config"), config)
    LAYOUT = Layout.of(PROJECT)
    BENCHMARK = read_benchmark(LAYOUT.benchmark)
    if workflow.is_main_process:
        from grd.distillation import check_methods
        from grd.reporting import check_modules
        from grd.reporting.claims.evidence import check_claims

        check_methods(PROJECT)
        check_modules(PROJECT)
        check_claims(PROJECT)

# Scripts read settings that cannot change a result from `config`; code edited later than PLANNED is refused.
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

WITHOUT_TEACHER = r"[a-z0-9_]+-s\d+"
WITH_TEACHER = r"[a-z0-9_]+-[a-z0-9_]+-[a-z0-9_]+(-[a-z_]+[0-9.]+)*-s\d+"

WORKFLOW = Path(os.path.relpath(Path(workflow.main_snakefile).parent))
REPORT = WORKFLOW / "report"

KEYS = Keys(PROJECT, WORKFLOW / "scripts")
identity = (
    KEYS.identity
)  # the parameters that decide a rule's jobs: settings, `code`, and `made_of`, the key of its inputs


def run_of(wildcards):
    return Run.named(wildcards.dataset, wildcards.run)


def record_of(run):
    """The record of how a student's training ended, named after all that decides it."""
    return LAYOUT.record(run, KEYS.key(training_of(run)))


def source_of(wildcards):
    return PROJECT.datasets[wildcards.dataset]


def split_file(wildcards):
    """The data set's split file, where the split is not in an archive."""
    split = source_of(wildcards).split
    return [] if split == "archive" else [str(split)]


def archive_folder(wildcards, output):
    return str(LAYOUT.archives(wildcards.dataset, TWINS))


def gpus(wildcards):
    """GPUs that a job asks for which computes where `device` says; `auto` asks for none on a machine that has none."""
    if PROJECT.config.device == "auto" and workflow.local_exec:
        from torch.cuda import is_available

        return int(is_available())
    return int(PROJECT.config.device != "cpu")


def growing(number):
    """What a job asks a cluster for: more at every attempt."""
    return lambda wildcards, attempt: attempt * number


def training_needs(runs, attempt):
    """What a job that trains these runs asks a cluster for."""
    return training_resources(PROJECT, runs, BENCHMARK, attempt)


def segmenting_mb(wildcards, attempt):
    return attempt * {2: 4000, 3: 12000}[source_of(wildcards).rank]
