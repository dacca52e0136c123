# Shared by all rules: the validated configuration, the paths, and functions of wildcards.

import json
import os
import sys
import time
from pathlib import Path

from snakemake.cli import get_argument_parser

from grd.config.command_line import scale_of_targets
from grd.config.experiments import kind_of
from grd.config.parsing import read_yaml
from grd.config.scales import scale_names
from grd.jobs import PLANNED, PLANNED_CONFIG, check_config, config_digests
from grd.planning.estimate import read_benchmark, training_resources
from grd.project.groups import all_groups
from grd.project.paths import Layout
from grd.project.project import Project
from grd.project.run import WITH_TEACHER, WITHOUT_TEACHER, Run
from grd.provenance.job_keys import Job, Keys, training_of
from grd.reporting.latex import INSTALL, missing_latex
from grd.system.logs import exit_on_error

# Snakemake, which reads this file below, reports broken YAML without file and line.
with exit_on_error():
    if workflow.is_main_process:
        os.environ[PLANNED_CONFIG] = json.dumps(config_digests())
    read_yaml(Path("config/config.yaml"))


configfile: "config/config.yaml"


# The words of this call; none in the processes of its jobs, and when called from Python.
CALLED = workflow.is_main_process and "snakemake" in sys.argv[0]
CALL = get_argument_parser().parse_known_args(sys.argv[1:] if CALLED else [])[0]

# A target may be the name of a scale, which the processes of jobs inherit.
with exit_on_error():
    if scale := scale_of_targets(CALL.targets, CALL.config, scale_names()):
        config["scale"] = scale


with exit_on_error():
    PROJECT = Project.load(Path("config"), config)
    LAYOUT = Layout.of(PROJECT)
    BENCHMARK = read_benchmark(LAYOUT.benchmark)
    if workflow.is_main_process:
        from grd.distillation import check_methods
        from grd.reporting import check_modules
        from grd.reporting.claims.evidence import check_claims
        from grd.reporting.published import check_published

        check_methods(PROJECT)
        check_modules(PROJECT)
        check_published(PROJECT)
        check_claims(PROJECT)

# Settings that cannot change a result reach scripts through `config`. PLANNED is the time of this call, which its jobs inherit,
# also on a cluster: they refuse to run if their code was edited since, and on a cluster, where they read it again, config/.
config |= PROJECT.config.model_dump(mode="json")
if workflow.is_main_process:
    os.environ[PLANNED] = str(time.time())
else:
    with exit_on_error():
        check_config()

LATEX = not missing_latex()
if workflow.is_main_process and not LATEX:
    logger.warning(
        f"LaTeX lacks {', '.join(missing_latex())}: reproduction.pdf is left out; everything else, its sources included, is made. {INSTALL}"
    )

TWINS = PROJECT.scale.data == "twins"
RESULTS, LOGS, BENCHMARKS = (
    LAYOUT.results / name for name in (".", "logs", "benchmarks")
)
TABLES, FIGURES = RESULTS / "tables", RESULTS / "figures"

WORKFLOW = Path(os.path.relpath(Path(workflow.main_snakefile).parent))
REPORT = WORKFLOW / "report"

# A rule's `identity` is the parameters that decide its jobs: settings, `code`, and `made_of`, the key of its inputs.
KEYS = Keys(PROJECT, WORKFLOW / "scripts")
identity = KEYS.identity


def run_of(wildcards):
    return Run.from_name(wildcards.dataset, wildcards.run)


def record_of(run):
    """Record of how a student's training ended; its name holds the key of all that decides the training."""
    return LAYOUT.record(run, KEYS.key(training_of(run)))


def source_of(wildcards):
    """Settings of the data set of a job; an error if its real data would pass for twins."""
    with exit_on_error():  # Snakemake would show a traceback
        PROJECT.check_twin(wildcards.dataset)
    return PROJECT.datasets[wildcards.dataset]


def split_file(wildcards):
    """The data set's split file, where the split is not in an archive."""
    split = source_of(wildcards).split
    return [] if split == "archive" else [str(split)]


def archive_folder(wildcards, output):
    return str(LAYOUT.archives(wildcards.dataset, TWINS))


def all_cores(wildcards):
    """All cores that this call may use; the threads of other jobs if it names none, as a call to a cluster may."""
    return workflow.resource_settings.cores or PROJECT.scale.threads


def gpus(wildcards):
    """Number of GPUs for a job that computes on `device`: with `auto` none on a machine that has none."""
    if PROJECT.config.device == "auto" and workflow.local_exec:
        from torch.cuda import is_available

        return int(is_available())
    return int(PROJECT.config.device != "cpu")


def times_attempt(number):
    """A request to a cluster that grows with every attempt."""
    return lambda wildcards, attempt: attempt * number


def training_needs(runs, attempt):
    """Memory and time that a job which trains `runs` asks a cluster for."""
    return training_resources(PROJECT, runs, BENCHMARK, attempt)


def segmenting_mb(wildcards, attempt):
    return attempt * {2: 4000, 3: 12000}[source_of(wildcards).rank]
