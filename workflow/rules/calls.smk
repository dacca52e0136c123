# What is looked at before a call of Snakemake runs anything: its code, its targets, lost trainings, whether another works here.

from snakemake.cli import get_argument_parser

import grd
from grd.config.parsing import known
from grd.system.locks import occupy
from grd.training.folder import forget_lost_training, keep_training

OCCUPIED = []  # files that are open, and so locked, as long as this process lives


def check_code():
    """End this call if `grd` is that of another copy of the project."""
    used, expected = Path(grd.__file__).parent, WORKFLOW.parent / "src/grd"
    if expected.is_dir() and not used.samefile(expected):
        sys.exit(
            f"error: expected the code of {expected}, found that of {used} in use; make setup here, or set PYTHONPATH to src"
        )


def check_arguments():
    """End this call with a sentence if nothing makes a target, or if it were to delete what another call works on."""
    if "snakemake" not in sys.argv[0]:
        return  # called from Python
    arguments = get_argument_parser().parse_known_args(sys.argv[1:])[0]
    with one_sentence():
        for target in arguments.targets:
            check_target(target)
        if arguments.delete_all_output or arguments.delete_temp_output:
            OCCUPIED.append(occupy(LAYOUT.results))


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
        found += [LAYOUT.model(run), LAYOUT.history(run)]
        for segmenter in PROJECT.datasets[run.dataset].segmenters:
            found += [LAYOUT.labels(run, segmenter), LAYOUT.scores(run, segmenter)]
    return map(str, found)


def forget_lost_trainings():
    """Have students trained again whose training and model are gone."""
    with one_sentence():
        for run in PROJECT.all_runs():
            if run.teacher is not None:
                forget_lost_training(record_of(run), LAYOUT.state, LAYOUT.run(run))


def check_metadata():
    """Warn if Snakemake does not know what the results were made from."""
    if (LAYOUT.results / "runs").is_dir() and not Path(".snakemake/metadata").is_dir():
        logger.warning(
            f"{LAYOUT.results} came without the .snakemake folder that tells what it was made from: it is taken as it is. Copy "
            "that folder, too, or call with --forceall (a finished training of the same settings and code is not repeated)."
        )


def keep_trainings():
    """Snakemake deletes what a job is going to write: have the trainings among it in state/."""
    for job in workflow.dag.needrun_jobs():
        if job.rule.name in ("train", "collect_student"):
            keep_training(Path(job.output.model).parent, LAYOUT.state)


if workflow.is_main_process:
    check_code()
    check_arguments()
    check_metadata()
    forget_lost_trainings()


# Where jobs are run, not in a dry run. The lock is this process's: it ends with it, however that ends.
onstart:
    with one_sentence():
        OCCUPIED.append(occupy(LAYOUT.results))
    keep_trainings()
