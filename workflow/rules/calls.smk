# Checks before a call of Snakemake runs anything: its code, its targets, lost trainings, other calls on the same results.

import grd
from grd.config.parsing import check_name
from grd.config.splits import read_lists, sample_names
from grd.errors import GrdError
from grd.jobs import PLANNED_CODE, codes_of, is_as_planned
from grd.provenance.file_list import note_of_changes
from grd.provenance.passport import find
from grd.system.locks import occupy
from grd.training.folder import forget_lost_training, keep_training

LOCKS = []  # open files, which stay locked as long as this process lives


def check_code():
    """End this call if `grd` belongs to another copy of the project."""
    used, expected = Path(grd.__file__).parent, WORKFLOW.parent / "src/grd"
    if expected.is_dir() and not used.samefile(expected):
        sys.exit(
            f"error: expected the code in {expected}, found {used} in use; run make setup here, or set PYTHONPATH to src"
        )


def check_arguments():
    """End this call if no rule makes a target, or if it would delete results on which another call works."""
    with exit_on_error():
        for target in CALL.targets:
            check_target(target)
        if CALL.delete_all_output or CALL.delete_temp_output:
            LOCKS.append(occupy(LAYOUT.results))


def check_target(target):
    path = os.path.relpath(target)
    makers = [maker for maker in workflow.rules if maker.is_producer(path)]
    for maker in makers:
        if maker.has_wildcards():
            PROJECT.check_names(**maker.get_wildcards(path))
    if not makers:
        check_name(
            target, possible_targets(path.startswith("results/")), "target", "snakemake"
        )


def possible_targets(files):
    """Names of rules without wildcards, or with `files` the paths that the pipeline makes of config/."""
    plain = [maker for maker in workflow.rules if not maker.has_wildcards()]
    if not files:
        return [maker.name for maker in plain]
    found = [path for maker in plain for path in maker.output]
    found += [LAYOUT.samples(dataset) for dataset in PROJECT.datasets]
    for run in PROJECT.known_runs():
        found += [LAYOUT.weights(run), LAYOUT.history(run), LAYOUT.model(run)]
        found += [LAYOUT.labels(run), LAYOUT.scores(run), LAYOUT.timing(run)]
    return map(str, found)


def forget_lost_trainings():
    """Remove the records of students whose training and model are gone, so that they train again."""
    with exit_on_error():
        for run in PROJECT.known_runs():
            if run.teacher is not None:
                forget_lost_training(record_of(run), LAYOUT.state, LAYOUT.run(run))


def check_metadata():
    """Warn if Snakemake does not know what the results were made from."""
    known = Path(".snakemake/metadata")
    if (LAYOUT.results / "runs").is_dir() and not (
        known.is_dir() and any(known.iterdir())
    ):
        logger.warning(
            f"{LAYOUT.results}: expected the folder .snakemake, which knows what the results were made from, found none; files that "
            "are there pass for up to date, until a call has something to make: it ends at those that were made otherwise. Copy that "
            "folder, too, or call with --forceall (finished trainings of the same settings and code are not repeated)."
        )


def check_records():
    """End this call if files of which Snakemake has no record, and which pass for up to date, were not made as planned."""
    for job in workflow.dag.jobs:
        there = [path for path in map(Path, job.output) if path.exists()]
        known = not there or workflow.persistence.has_metadata(job)
        if known or workflow.dag.needrun(job) or job.rule.name.startswith("distil_"):
            continue  # records of students have their key in their name
        passport = find(there[0])
        if passport is None or not is_as_planned(job, passport):
            raise GrdError(
                f"{there[0]}: expected a passport with the settings and code of this call, since .snakemake tells nothing of this "
                f"file, found {'none' if passport is None else 'others'}; call with --forcerun {job.rule.name}"
            )


def note_code():
    """Tell jobs on a cluster, which plan themselves anew, what code this call was planned with."""
    codes = {code for job in workflow.dag.jobs for code in codes_of(job.params)}
    os.environ[PLANNED_CODE] = "\n".join(sorted(codes))


def keep_trainings():
    """Copy the models that jobs will write to state/, because Snakemake deletes them first."""
    for job in workflow.dag.needrun_jobs():
        if job.rule.name in ("train", "collect_student"):
            keep_training(Path(job.output.weights).parent, LAYOUT.state)


def note_changes():
    """Warn of files of users that changed since they were imported, if samples are made of them."""
    for job in workflow.dag.needrun_jobs():
        folder = job.rule.name == "obtain_archives" and source_of(job.wildcards).folder
        if folder:
            name, split = job.wildcards.dataset, Path(source_of(job.wildcards).split)
            if note := note_of_changes(name, folder, sample_names(read_lists(split))):
                logger.warning(note)


if workflow.is_main_process:
    check_code()
    check_arguments()
    check_metadata()
    forget_lost_trainings()


# Not in a dry run. The lock is released when this process ends, even by a crash.
onstart:
    with exit_on_error():
        LOCKS.append(occupy(LAYOUT.results))
        check_records()
    note_code()
    note_changes()
    keep_trainings()
