# What the rules share: the validated configuration, the paths, and small helpers that take wildcards.

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from grd.errors import GrdError
from grd.estimate import read_benchmark
from grd.keys import Keys, key
from grd.layout import Layout
from grd.provenance import PLANNED
from grd.reporting.latex import INSTALL, missing_latex
from grd.reporting.titles import ARTEFACTS, row_titles
from grd.resources import training_resources
from grd.runs import Project, Run


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


def of_run(run, what):
    """A file of a run, for each segmenter of its data set where it has one per segmenter."""
    if what in ("labels", "scores"):
        return [
            getattr(LAYOUT, what)(run, segmenter)
            for segmenter in PROJECT.datasets[run.dataset].segmenters
        ]
    return [getattr(LAYOUT, what)(run)]


def shown_runs(experiment, first_seed=False):
    seeds = PROJECT.config.seeds[: 1 if first_seed else None]
    return [run for run in PROJECT.runs(experiment) if run.seed in seeds]


def of_runs(experiment, *what, first_seed=False):
    return [
        path
        for run in shown_runs(experiment, first_seed)
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
    titles = row_titles(PROJECT.runs("table2", "table3", experiment))
    return {
        "experiment": PROJECT.experiments[experiment].model_dump(mode="json"),
        "published": PROJECT.published.get(experiment),
        "scale": SCALE,
        "datasets": {
            name: [data.title, data.metrics, list(data.segmenters), data.resolution]
            for name, data in datasets.items()
        },
        "titles": {run.stem: titles[run.stem] for run in PROJECT.runs(experiment)},
    }


def inputs_key(experiment, kinds, first_seed=False):
    """The key of what a table or figure is drawn from."""
    return key(
        [
            KEYS.of_run(run, kind)
            for run in shown_runs(experiment, first_seed)
            for kind in kinds
        ],
        [KEYS.data(dataset) for dataset in PROJECT.datasets_of(experiment)],
    )


def artefacts_key(kinds_of):
    """The key of tables and figures; `kinds_of` has the kinds of files that each is drawn from."""
    return key(
        *(
            [
                plan_of(name),
                inputs_key(name, kinds),
                KEYS.reporting(name.rstrip("0123456789"), name),
            ]
            for name, kinds in kinds_of.items()
        )
    )


def publication_key(kinds_of):
    """The key of all tables, figures, loss curves and claims."""
    return key(
        artefacts_key(kinds_of),
        claims_plan(None),
        *map(KEYS.of_all_runs, ("claims", "curves", "document")),
        *map(KEYS.run, PROJECT.all_runs()),
    )


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
