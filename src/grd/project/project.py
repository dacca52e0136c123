"""The project that config/ describes: the runs of every experiment, and the settings of each run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grd.config.catalogue import NETWORKS
from grd.config.datasets import Dataset, parse_datasets
from grd.config.experiments import Experiment, kind_of
from grd.config.general import Config
from grd.config.parsing import check_name, merge, parse, parse_all, read_yaml
from grd.config.scales import Scale, Training, Twin, scale_names
from grd.config.segmenters import chosen_names
from grd.config.splits import read_lists
from grd.errors import GrdError
from grd.project.run import Run, RunSettings, Selection, check_run, with_teachers

TWINS_NOTE = "The data are synthetic twins: no score or time here compares with a published one."


@dataclass(frozen=True)
class Project:
    """All of config/, validated."""

    config: Config
    scale: Scale
    datasets: Mapping[str, Dataset]
    experiments: Mapping[str, Experiment]
    published: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path = Path("config"), config: Mapping[str, Any] | None = None) -> "Project":
        """The project in `folder`; `config` replaces the content of config.yaml (Snakemake merges --config into it).

        GrdError for the first fault of any file, split files included; published.yaml and claims.yaml are checked where they
        are used.
        """
        written = read_yaml(folder / "config.yaml")
        general = parse(Config, config or written, folder / "config.yaml")
        scales = scale_names(folder)
        file = folder / "scales" / f"{check_name(general.scale, scales, 'scale', str(folder / 'config.yaml'))}.yaml"
        scale = parse(Scale, read_yaml(file), file)
        datasets = read_yaml(folder / "datasets.yaml")
        parse_datasets(datasets, folder / "datasets.yaml")
        for what, used, valid in (("data set", [*scale.datasets, *scale.twins], datasets), ("network", scale.networks, NETWORKS)):
            for name in used:
                check_name(name, valid, what, str(file))
        for name in general.allow_missing:
            check_name(name, datasets, "data set", f"{folder / 'config.yaml'}, allow_missing")
        experiments = parse_all(Experiment, read_yaml(folder / "experiments.yaml"), folder / "experiments.yaml")
        for name in filter(None, (experiment.scale for experiment in experiments.values())):
            check_name(name, scales, "scale", str(folder / "experiments.yaml"))
        project = cls(
            general,
            scale,
            parse_datasets(merge(datasets, scale.datasets), file),
            experiments,
            read_yaml(folder / "published.yaml"),
            read_yaml(folder / "claims.yaml"),
        )
        project._check()
        return project

    def _check(self) -> None:
        """GrdError for faults that would stop a job later."""
        self.runs(*self.experiments)
        _ = self.volume_training
        for split in {dataset.split for dataset in self.datasets.values()} - {"archive"}:
            read_lists(Path(split))

    @property
    def scale_title(self) -> str:
        """One or two sentences about the scale, for captions."""
        title = f"Scale {self.config.scale}: {self.scale.title}."
        return f"{title} {TWINS_NOTE}" if self.scale.data == "twins" else title

    def dataset(self, name: str) -> Dataset:
        """A data set of config/datasets.yaml at this scale."""
        return self.datasets[check_name(name, self.datasets, "data set", "config/datasets.yaml")]

    def twin(self, dataset: str) -> Twin | None:
        """Settings of a data set's twin at this scale; None where the data are real."""
        return self.scale.twins.get(dataset) if self.scale.data == "twins" else None

    def check_twin(self, dataset: str) -> None:
        """GrdError for a data set without a twin where the data are twins: tables would call real data synthetic."""
        if self.scale.data == "twins" and dataset not in self.scale.twins:
            meant = {each.scale for name, each in self.experiments.items() if dataset in self.datasets_of(name)}
            named = min(meant - {None, self.config.scale}, key=str, default=None)
            remedy = f"call with --config scale={named}" if named else "choose a scale of real data, or add one under `twins`"
            raise GrdError(
                f"config/scales/{self.config.scale}.yaml: expected a twin of {dataset}, as the data of this scale are twins, "
                f"found none; {remedy}"
            )

    @property
    def regular(self) -> list[str]:
        """Names of the experiments that `all` makes."""
        return [name for name, experiment in self.experiments.items() if not experiment.on_request]

    @property
    def on_request(self) -> list[str]:
        """Names of the experiments that are made only when they are asked for."""
        return [name for name, experiment in self.experiments.items() if experiment.on_request]

    @property
    def tables(self) -> list[str]:
        """Names of the tables that `all` makes."""
        return [name for name in self.regular if kind_of(name) == "table"]

    @property
    def figures(self) -> list[str]:
        """Names of the figures that `all` makes."""
        return [name for name in self.regular if kind_of(name) == "figure"]

    @property
    def tables_on_request(self) -> list[str]:
        """Names of the tables on request."""
        return [name for name in self.on_request if kind_of(name) == "table"]

    @property
    def figures_on_request(self) -> list[str]:
        """Names of the figures on request."""
        return [name for name in self.on_request if kind_of(name) == "figure"]

    @property
    def models(self) -> list[str]:
        """Names of the models that ship."""
        return [name for name in self.on_request if kind_of(name) == "model"]

    @property
    def tables_with_claims(self) -> list[str]:
        """Names of the tables on request whose rows are some of a table of the paper, with its claims."""
        return [name for name in self.tables_on_request if self.experiments[name].rows_of]

    @staticmethod
    def claims_name(table: str = "") -> str:
        """`claims_laptop`, the claims judged on `table_laptop`; `claims`, those on all tables."""
        return f"claims_{table.removeprefix('table_')}" if table else "claims"

    @property
    def scales_on_request(self) -> list[str]:
        """Scales that have tables or figures of their own; each of them is a target."""
        return list(dict.fromkeys(scale for name in self.on_request if (scale := self.experiments[name].scale)))

    def of_scale(self, scale: str, names: Iterable[str]) -> list[str]:
        """Those of these experiments that are for this scale."""
        return [name for name in names if self.experiments[name].scale == scale]

    def row_seeds(self, experiment: str) -> list[tuple[int, ...]]:
        """The distinct seeds of an experiment's runs, the fewest first."""
        found: dict[tuple[str, str], tuple[int, ...]] = {}
        for run in self.runs(experiment):
            found[run.dataset, run.stem] = (*found.get((run.dataset, run.stem), ()), run.seed)
        return sorted(dict.fromkeys(found.values()), key=len)

    def runs(self, *experiments: str) -> list[Run]:
        """The distinct runs of these experiments, in the order of their rows."""
        found: dict[Run, None] = {}
        for name in experiments:
            rows = sorted((row.seeds or self.config.seeds for row in self.experiments[name].runs), key=len)
            seeds = dict.fromkeys(seed for seeds in rows for seed in seeds)
            for dataset in self.datasets_of(name):
                for seed in seeds:
                    found.update(dict.fromkeys(self._unfold(name, dataset, seed)))
        return list(found)

    def shown_runs(self, experiment: str) -> list[Run]:
        """The runs that a table or figure reads files of: those of the first seed only where it shows one training."""
        return self.first_seed_runs(experiment) if self.experiments[experiment].first_seed else self.runs(experiment)

    def first_seed_runs(self, experiment: str, dataset: str | None = None) -> list[Run]:
        """The runs of an experiment, or of one of its data sets; of those that differ in their seed alone the first."""
        found: dict[tuple[str, str], Run] = {}
        for run in self.runs(experiment):
            if dataset in (None, run.dataset):
                found.setdefault((run.dataset, run.stem), run)
        return list(found.values())

    def datasets_of(self, experiment: str) -> list[str]:
        """Data sets of an experiment, including those of single rows."""
        rows = self.experiments[experiment].runs
        return list(dict.fromkeys([*self.experiments[experiment].datasets, *(d for row in rows for d in row.datasets or ())]))

    def _unfold(self, experiment: str, dataset: str, seed: int) -> Iterable[Run]:
        where = f"config/experiments.yaml, {experiment}"
        check_name(dataset, self.datasets, "data set", where)
        for row in self.experiments[experiment].runs:
            datasets, seeds = row.datasets or self.experiments[experiment].datasets, row.seeds or self.config.seeds
            for method in row.methods if dataset in datasets and seed in seeds else ():
                changes = tuple(sorted(row.changes.items()))
                run = check_run(Run(dataset, row.network, method, row.teacher, seed, changes), where)
                self._check_rank(run, where)
                yield run

    def _check_rank(self, run: Run, where: str) -> None:
        needed, rank = self.dataset(run.dataset).rank, {2: "images", 3: "volumes"}
        for network in filter(None, (run.network, run.teacher)):
            if NETWORKS[network].rank != needed:
                raise GrdError(
                    f"{where}: expected a network of {rank[needed]} for {run.dataset}, found {network}, which takes "
                    f"{rank[NETWORKS[network].rank]}; name another network or data set"
                )

    def all_runs(self) -> list[Run]:
        """Every distinct run that `all` makes, teachers included."""
        return with_teachers(self.runs(*self.regular))

    def known_runs(self) -> list[Run]:
        """Every distinct run of every experiment, teachers included."""
        return with_teachers(self.runs(*self.experiments))

    def runs_of(self, target: str) -> list[Run]:
        """The runs, teachers included, of a table, a figure, `tables`, `figures` or `models`; for `all`, `claims`, `curves`,
        `report` and `pdf` all runs; for claims about a table on request those of the table; for the name of a scale those of its
        own tables and figures. GrdError for another name."""
        everything = {name: self.regular for name in ("all", "claims", "curves", "report", "pdf")}
        everything |= {self.claims_name(name): [name] for name in self.tables_with_claims}
        shown = [*self.tables_on_request, *self.figures_on_request]
        chosen = {scale: self.of_scale(scale, shown) for scale in self.scales_on_request}
        chosen |= {name: [name] for name in self.experiments} | everything
        chosen |= {"tables": self.tables, "figures": self.figures, "models": self.models}
        return with_teachers(self.runs(*chosen[check_name(target, chosen, "target", "config/experiments.yaml")]))

    def check_run(self, run: Run) -> Run:
        """`run` itself; GrdError if its data set is unknown, or if it is a student that no experiment has."""
        self._check_rank(run, run.name)
        if run.teacher is not None and run not in self.known_runs():
            students = [other.name for other in self.known_runs() if other.dataset == run.dataset and other.teacher]
            check_name(run.name, students, "student", f"config/experiments.yaml, {run.dataset}")
        return run

    def check_names(self, dataset: str, run: str | None = None) -> None:
        """GrdError, with the nearest name, for a data set or run that the project does not have."""
        self.dataset(dataset)
        if run is not None:
            self.check_run(Run.from_name(dataset, run))

    def settings(self, run: Run) -> RunSettings:
        """All settings that decide a run's result at this scale."""
        dataset = self.dataset(run.dataset)
        arguments = {**NETWORKS[run.network].arguments, **self.scale.networks.get(run.network, {})}
        return RunSettings(
            dataset=run.dataset,
            run=run.name,
            network=run.network,
            arguments=arguments,
            method=run.method,
            changes=dict(run.changes),
            teacher=run.taught_by.name if run.taught_by else None,
            seed=run.seed,
            shifts=dataset.shifts,
            reach=dataset.reach,
            fidelity=self.config.fidelity,
            inter_affinity_factor=dataset.inter_affinity_factor if self.config.fidelity.inter_affinity == "released" else 1,
            normalisation=dataset.normalisation,
            canvas=dataset.canvas,
            padding=dataset.padding,
            augment=dataset.augment,
            training=self._training(run),
            selection=self._selection(run),
        )

    def _selection(self, run: Run) -> Selection | None:
        """The score that selects a run's weights: the data set's first metric, with its first segmenter that needs no choice."""
        dataset = self.dataset(run.dataset)
        if self._training(run).select != "score":
            return None
        fixed = (
            (name, settings)
            for name, settings in dataset.segmenters.items()
            if not chosen_names(settings) and getattr(settings, "foreground", "") != "learned"
        )
        name, settings = next(fixed, ("", None))
        if dataset.rank == 3 or settings is None:
            raise GrdError(
                f"config/scales/{self.config.scale}.yaml, training.select: expected `loss` or `last` for {run.dataset}, found "
                "`score`, which needs images and a segmenter whose numbers are all given; change it, or add such a segmenter"
            )
        return Selection(name=name, segmenter=settings, metric=dataset.metrics[0])

    def _training(self, run: Run) -> Training:
        training = self.scale.training if self.dataset(run.dataset).rank == 2 else self.volume_training
        teaching = training.teacher_iterations if run.network in self.teachers else None
        return training.model_copy(update={"iterations": teaching or training.iterations, "teacher_iterations": None})

    @property
    def volume_training(self) -> Training:
        """Settings of trainings on volumes at this scale."""
        merged = merge(self.scale.training.model_dump(), self.scale.volumes)
        return parse(Training, merged, f"config/scales/{self.config.scale}.yaml", "volumes")

    @property
    def teachers(self) -> set[str]:
        """Names of the networks that teach in some experiment."""
        rows = (row for experiment in self.experiments.values() for row in experiment.runs)
        return {row.teacher for row in rows if row.teacher is not None}
