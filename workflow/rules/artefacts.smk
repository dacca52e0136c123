# Files from which tables, figures and claims are made, and their entries in the report.

TRAINED = list(dict.fromkeys(run.dataset for run in PROJECT.all_runs()))


def files_of(job):
    """The files of a job from which tables and figures are made."""
    match job.kind:
        case "score":
            return [LAYOUT.scores(job.run)]
        case "segment":
            return [LAYOUT.model(job.run), LAYOUT.labels(job.run)]
        case "train" | "distil":
            return [LAYOUT.history(job.run)]
        case "time_inference":
            return [LAYOUT.timing(job.run)]
        case "prepare_samples":
            return [LAYOUT.samples(job.dataset)]


def files_for(kind, experiment):
    """The files from which a table or figure is made."""
    inputs = KEYS.inputs(Job(kind, experiment=experiment))
    return [path for job in inputs for path in files_of(job)]


def evidence_for(table):
    """The files on which claims are judged: a table, or all tables, the figures that claims are about, and the samples."""
    from grd.reporting.claims import load_claims
    from grd.reporting.claims.evidence import figures_of_claims

    if table:
        return [TABLES / f"{table}.csv"]
    figures = figures_of_claims(load_claims(PROJECT.claims))
    data = expand(TABLES / "{table}.csv", table=PROJECT.tables)
    data += [FIGURES / f"{name}.csv" for name in figures]
    return data + [LAYOUT.samples(dataset) for dataset in TRAINED]


def runs_on(dataset):
    return [run for run in PROJECT.all_runs() if run.dataset == dataset]


def histories(wildcards):
    """The histories of the runs on a data set."""
    return [LAYOUT.history(run) for run in runs_on(wildcards.dataset)]


def report_entry(name, path):
    """The file of a table or figure, with the caption and labels that the report shows."""
    shown, kind = PROJECT.experiments[name], kind_of(name)
    return report(
        path,
        caption=f"../report/{shown.module or name}.rst",
        category=f"{kind.capitalize()}s",
        subcategory=shown.part,
        labels={
            kind: ": ".join(filter(None, (shown.number, shown.title))),
            "scale": PROJECT.config.scale,
        },
    )
