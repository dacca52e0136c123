# Files that tables, figures and claims are made from, and how the report lists them.

TRAINED = list(dict.fromkeys(run.dataset for run in PROJECT.all_runs()))


def files_of(job):
    """The files that a job writes which tables and figures are made from."""
    match job.kind:
        case "score":
            return [LAYOUT.scores(job.run, job.segmenter)]
        case "segment":
            return [LAYOUT.labels(job.run, job.segmenter)]
        case "time_inference":
            return [LAYOUT.timing(job.run)]
        case "prepare_samples":
            return [LAYOUT.samples(job.dataset)]
        case "train" | "distil":
            return [LAYOUT.model(job.run)]


def files_for(kind, experiment):
    """The files that a table or figure is made from."""
    inputs = KEYS.inputs(Job(kind, experiment=experiment))
    return [path for job in inputs for path in files_of(job)]


def runs_on(dataset):
    return [run for run in PROJECT.all_runs() if run.dataset == dataset]


def histories(wildcards):
    """How each run on a data set was trained."""
    return [LAYOUT.history(run) for run in runs_on(wildcards.dataset)]


def listed(name, path):
    """The file in the report, with its description."""
    shown, kind = PROJECT.experiments[name], name.rstrip("0123456789")
    return report(
        path,
        caption=f"../report/{name}.rst",
        category=f"{kind.capitalize()}s",
        subcategory=shown.part,
        labels={
            kind: f"{shown.number}: {shown.title}",
            "scale": PROJECT.config.scale,
        },
    )
