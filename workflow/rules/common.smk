# What the rules share: the validated configuration, the paths, and small helpers that take wildcards.

import hashlib
import os
import sys
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from snakemake.cli import get_argument_parser

from grd.config import Source, known
from grd.distillation import METHODS
from grd.errors import GrdError
from grd.estimate import read_benchmark
from grd.files import occupy
from grd.fingerprint import Code
from grd.layout import Layout
from grd.networks import NETWORKS
from grd.provenance import PLANNED
from grd.reporting.latex import INSTALL, missing_latex
from grd.reporting.titles import ARTEFACTS
from grd.resources import training_resources
from grd.runs import Project, Run
from grd.training.folder import forget_lost, state_key


@contextmanager
def told():
    """Within this context a GrdError ends the call with its sentence, and nothing else."""
    try:
        yield
    except GrdError as error:
        sys.exit(f"error: {error}")


with told():
    PROJECT = Project.load(Path("config"), config)
    LAYOUT = Layout(Path("results") / PROJECT.config.scale, PROJECT.config.data)
    BENCHMARK = read_benchmark(LAYOUT.benchmark)
    if workflow.is_main_process:
        from grd.reporting.claims import check_names, load_claims
        from grd.reporting.claims.evidence import published_numbers

        PROJECT.check_methods()
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

REPORT = Path(workflow.main_snakefile).parent / "report"
SCRIPTS = Path(workflow.main_snakefile).parent / "scripts"
CODE = Code()


def code(script, *chosen):
    """The fingerprint of the code that a script reaches; `chosen` are the names that it looks up at run time."""
    return CODE.described(SCRIPTS / f"{script}.py", chosen)


def network_names(*runs):
    """The networks of runs and their teachers, and the files that they are in."""
    names = {name for run in runs for name in (run.network, run.teacher) if name}
    return sorted(names | {NETWORKS[name].module for name in names})


def training_code(script, run):
    return code(script, *network_names(run), run.method)


def reporting_code(script, name):
    """Of a table or figure: what its runs were made with, as far as the script looks at it."""
    runs = PROJECT.runs(name)
    return code(
        script,
        name,
        *network_names(*runs),
        *sorted({run.method for run in runs}),
        *sorted({rank_on(run.dataset) for run in runs}),
    )


def source_of(wildcards, **left_out):
    dataset = PROJECT.datasets[wildcards.dataset]
    return dataset.model_dump(mode="json", include=set(Source.model_fields), **left_out)


def GPUS(wildcards):
    """How many GPUs a job asks for that computes where `device` says; `auto` asks for none on a machine that has none."""
    if PROJECT.config.device == "auto" and workflow.local_exec:
        from torch.cuda import is_available

        return int(is_available())
    return int(PROJECT.config.device != "cpu")


def source_settings(wildcards):
    """What decides the samples of a data set, as plain values: not where its archives come from."""
    addresses = {"url", "mirrors", "ask", "example"}
    return source_of(
        wildcards,
        exclude={
            "archives": {"__all__": addresses},
            "alternatives": {"__all__": {"__all__": addresses}},
        },
    )


def source_with_addresses(wildcards, output):
    """All of it. (A function of `output`: Snakemake runs nothing again for its sake.)"""
    return source_of(wildcards)


def twin_settings(wildcards):
    """How the data set's twin is drawn; None where the scale has real data."""
    return (
        PROJECT.scale.twins[wildcards.dataset].model_dump(mode="json")
        if TWINS
        else None
    )


def missing_allowed(wildcards):
    return wildcards.dataset in PROJECT.config.allow_missing


def archive_folder(wildcards, output):
    return str(LAYOUT.archives(wildcards.dataset, TWINS))


def split_file(wildcards):
    """The data set's split file, where the split is not in an archive."""
    split = PROJECT.datasets[wildcards.dataset].split
    return [] if split == "archive" else [str(split)]


def settings_of(run):
    return PROJECT.settings(run).model_dump(mode="json")


def run_named(wildcards):
    return Run.named(wildcards.dataset, wildcards.run)


def run_settings(wildcards):
    return settings_of(run_named(wildcards))


def growing(number):
    """What a job asks a cluster for: more at every attempt."""
    return lambda wildcards, attempt: attempt * number


def training(runs, attempt):
    """What a job that trains these runs asks a cluster for."""
    return training_resources(PROJECT, runs, BENCHMARK, attempt)


def rank_on(dataset):
    """2 for data sets of images, 3 for volumes."""
    return PROJECT.datasets[dataset].rank


def rank_of(wildcards):
    return rank_on(wildcards.dataset)


@cache
def data_key(dataset):
    """A digest of what decides the samples of a data set, as far as it is known before they are made."""
    scope = SimpleNamespace(dataset=dataset)
    texts = [Path(file).read_text() for file in split_file(scope)]
    made_by = code("obtain_archives", dataset), code("prepare_samples", dataset)
    content = (source_settings(scope), twin_settings(scope), missing_allowed(scope))
    return hashlib.sha256(repr((content, made_by, texts)).encode()).hexdigest()


@cache
def record_of(run):
    """How a student's training ended: named after all that decides it, so that nothing else is ever taken for it."""
    teacher = run.taught_by
    learns_from = [
        data_key(run.dataset),
        PROJECT.settings(teacher).digest,
        training_code("train", teacher),
    ]
    key = state_key(PROJECT.settings(run), training_code("distil", run), learns_from)
    return LAYOUT.record(run, key)


def prediction_code(script, wildcards, *chosen):
    return code(
        script, *network_names(run_named(wildcards)), rank_of(wildcards), *chosen
    )


def canvas(wildcards):
    return list(PROJECT.datasets[wildcards.dataset].canvas)


def predicted_splits(wildcards):
    return list(PROJECT.datasets[wildcards.dataset].predicted_splits)


def segmenter_settings(wildcards):
    return (
        PROJECT.datasets[wildcards.dataset]
        .segmenters[wildcards.segmenter]
        .model_dump(mode="json")
    )


def first_segmenter_settings(wildcards):
    return next(
        iter(PROJECT.datasets[wildcards.dataset].segmenters.values())
    ).model_dump(mode="json")


def of_run(run, what):
    """A file of a run, for each segmenter of its data set where it has one per segmenter."""
    if what in ("labels", "scores"):
        return [
            getattr(LAYOUT, what)(run, segmenter)
            for segmenter in PROJECT.datasets[run.dataset].segmenters
        ]
    return [getattr(LAYOUT, what)(run)]


def of_runs(experiment, *what, first_seed=False):
    return [
        path
        for run in PROJECT.runs(experiment)
        if not first_seed or run.seed == PROJECT.config.seeds[0]
        for kind in what
        for path in of_run(run, kind)
    ]


def samples_of(experiment):
    return [LAYOUT.samples(dataset) for dataset in PROJECT.datasets_of(experiment)]


def plan_of(experiment):
    """All that a table or figure shows beside the files that it is drawn from."""
    datasets = {
        name: PROJECT.datasets[name] for name in PROJECT.datasets_of(experiment)
    }
    return {
        "experiment": PROJECT.experiments[experiment].model_dump(mode="json"),
        "published": PROJECT.published.get(experiment),
        "scale": SCALE,
        "datasets": {
            name: [data.title, data.metrics, list(data.segmenters)]
            for name, data in datasets.items()
        },
    }


def runs_on(dataset):
    return [run for run in PROJECT.all_runs() if run.dataset == dataset]


def histories(wildcards):
    """How each run on a data set was trained."""
    return [LAYOUT.history(run) for run in runs_on(wildcards.dataset)]


def listed(name, path):
    """The file in the report, with its description."""
    subcategory, number, what = ARTEFACTS[name]
    kind = name.rstrip("0123456789")
    return report(
        path,
        caption=f"../report/{name}.rst",
        category=f"{kind.capitalize()}s",
        subcategory=subcategory,
        labels={kind: f"{number}: {what}", "scale": PROJECT.config.scale},
    )


def claims_plan(wildcards):
    """All that the claims table shows beside the files that it is made from."""
    from grd.reporting.claims import load_claims
    from grd.reporting.claims.plan import plan

    return plan(PROJECT, load_claims()) | {"scale": SCALE}


def check_targets():
    """End this call with a sentence, and the nearest name, for a target that nothing makes."""
    if "snakemake" not in sys.argv[0]:
        return  # called from Python
    with told():
        for target in get_argument_parser().parse_known_args(sys.argv[1:])[0].targets:
            check_target(target)


def check_target(target):
    path = os.path.relpath(target)
    makers = [maker for maker in workflow.rules if maker.is_producer(path)]
    for maker in makers:
        if maker.has_wildcards():
            PROJECT.check_names(**maker.get_wildcards(path))
    if not makers:
        known(
            target, possible_targets(path.startswith("results/")), "target", "snakemake"
        )


def possible_targets(files):
    """What can be asked for: the rules, or the files that the pipeline makes of config/."""
    plain = [maker for maker in workflow.rules if not maker.has_wildcards()]
    if not files:
        return [maker.name for maker in plain]
    found = [path for maker in plain for path in maker.output]
    found += [LAYOUT.samples(dataset) for dataset in PROJECT.datasets]
    for run in PROJECT.all_runs():
        for what in ("model", "history", "labels", "scores"):
            found += of_run(run, what)
    return map(str, found)


OCCUPIED = []  # files that are open, and so locked, as long as this process lives


def occupy_results():
    """Keep other calls from working on the same results; end this one with a sentence where another does."""
    with told():
        OCCUPIED.append(occupy(LAYOUT.results))


if workflow.is_main_process:
    with told():
        for run in PROJECT.all_runs():
            if run.taught_by is not None:
                forget_lost(record_of(run), LAYOUT.state, LAYOUT.run(run))
