"""Groups of students that train in one job and share their teacher's forward passes."""

from collections.abc import Iterable
from dataclasses import dataclass

from grd.project.project import Project
from grd.project.run import Run


@dataclass(frozen=True)
class Group:
    """A training job: students of one teacher on one data set, with one seed."""

    name: str
    teacher: Run
    students: tuple[Run, ...]


def all_groups(project: Project) -> list[Group]:
    """The students of every teacher in groups, as `sharing` says.

    `table` puts students that the same tables need into one job, so that a table by itself trains its own runs alone; `teacher`
    puts all students of a teacher into one job; `run` makes each student a job. Students of tables on request are apart.
    """
    separate = (_separate_experiments(project) if project.config.sharing == "table" else {}) | _runs_on_request(project)
    members: dict[tuple[Run, tuple[str, ...]], list[Run]] = {}
    for run in project.known_runs():
        if run.taught_by is not None:
            tables = tuple(name for name, own in separate.items() if run in own)
            key = (run.stem,) if project.config.sharing == "run" else tables
            members.setdefault((run.taught_by, key), []).append(run)
    return [
        Group("_".join([teacher.dataset, teacher.network, f"s{teacher.seed}", *key]), teacher, tuple(students))
        for (teacher, key), students in members.items()
    ]


def groups_of(project: Project, runs: Iterable[Run]) -> list[Group]:
    """The groups that train some of these runs."""
    wanted = set(runs)
    return [group for group in all_groups(project) if not wanted.isdisjoint(group.students)]


def with_companions(project: Project, runs: Iterable[Run]) -> list[Run]:
    """Runs, followed by the students that train in one job with some of them."""
    wanted = list(runs)
    return list(dict.fromkeys([*wanted, *(student for group in groups_of(project, wanted) for student in group.students)]))


def _separate_experiments(project: Project) -> dict[str, set[Run]]:
    """Runs by experiment, without experiments whose runs are a proper subset of another's."""
    runs = {name: set(project.runs(name)) for name in project.regular}
    contained = {name for name, own in runs.items() if any(own < others for others in runs.values())}
    return {name: own for name, own in runs.items() if name not in contained}


def _runs_on_request(project: Project) -> dict[str, set[Run]]:
    """Runs of tables on request: of one for this scale all, of others those that `all` does not make."""
    regular, scale = set(project.runs(*project.regular)), project.config.scale
    here = {name: project.experiments[name].scale == scale for name in project.tables_on_request}
    return {name: set(project.runs(name)) - (set() if own else regular) for name, own in here.items()}
