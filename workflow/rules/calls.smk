# What is looked at before a call of Snakemake runs anything: its targets, lost trainings, whether another call works here.

from snakemake.cli import get_argument_parser

from grd.config import known
from grd.files import occupy
from grd.training.folder import forget_lost


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


def forget_lost_trainings():
    """Have students trained again whose training and model are gone."""
    with told():
        for run in PROJECT.all_runs():
            if run.teacher is not None:
                forget_lost(record_of(run), LAYOUT.state, LAYOUT.run(run))


if workflow.is_main_process:
    check_targets()
    forget_lost_trainings()


OCCUPIED = []  # files that are open, and so locked, as long as this process lives


# Where jobs are run, not in a dry run. The lock is this process's: it ends with it, however that ends.
onstart:
    with told():
        OCCUPIED.append(occupy(LAYOUT.results))
