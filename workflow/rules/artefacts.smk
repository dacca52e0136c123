# What tables, figures and claims are made of: runs, kinds of their files, and what is shown beside them.

from grd.system.digests import digest_of
from grd.reporting.titles import ARTEFACTS, row_titles

# What of each run a table or figure is drawn from.
TABLE_FILES = {
    "table1": ["timing"],
    "table2": ["scores"],
    "table3": ["scores", "labels"],
    "table4": ["scores"],
    "table5": ["scores"],
    "table6": ["scores"],
}
FIGURE_FILES = {
    "figure2": ["labels", "scores"],
    "figure3": ["labels"],
    "figure4": ["labels"],
    "figure5": ["model", "scores"],
    "figure6": ["scores"],
}
ON_DEVICE = {"figure5", "figure6"}  # figures that compute
FIRST_SEED = {
    "figure2",
    "figure3",
    "figure4",
    "figure5",
}  # figures that show one training
TRAINED = list(dict.fromkeys(run.dataset for run in PROJECT.all_runs()))


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
    return digest_of(
        [
            KEYS.of_run(run, kind)
            for run in shown_runs(experiment, first_seed)
            for kind in kinds
        ],
        [KEYS.data(dataset) for dataset in PROJECT.datasets_of(experiment)],
    )


def artefacts_key():
    """The key of all tables and figures."""
    return digest_of(
        *(
            [
                plan_of(name),
                inputs_key(name, kinds),
                KEYS.reporting(name.rstrip("0123456789"), name),
            ]
            for name, kinds in (TABLE_FILES | FIGURE_FILES).items()
        )
    )


def publication_key(wildcards):
    """The key of all tables, figures, loss curves and claims."""
    return digest_of(
        artefacts_key(),
        claims_plan(wildcards),
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
    from grd.reporting.claims.inputs import plan

    return plan(PROJECT, load_claims()) | {"scale": SCALE}
