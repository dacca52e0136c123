"""config/experiments.yaml: the runs of every table and figure."""

from typing import Annotated, Literal

from pydantic import Field

from grd.config.parsing import Closed, Seeds


class RunRow(Closed):
    """A row of `runs`: a network on each data set, by each of `methods`, taught by `teacher`.

    `datasets` replaces those of the table, `seeds` those of config.yaml. `changes` replaces numbers of the methods by name: the
    weight of a loss term, or an option such as `queue_size`.
    """

    network: str
    teacher: str | None = None
    datasets: list[str] | None = Field(default=None, min_length=1)
    seeds: Seeds | None = None
    methods: list[str] = Field(default=["none"], min_length=1)
    changes: dict[Annotated[str, Field(pattern="^[a-z_]+$")], Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {}


def kind_of(name: str) -> Literal["table", "figure", "model"]:
    """What an experiment makes: `figure2` a figure, `model_nuclei` a model that ships, `table2` and `baselines` a table."""
    return next((kind for kind in ("figure", "model") if name.startswith(kind)), "table")


class Experiment(Closed):
    """A table or figure: its number in the paper, its title, its runs on each of its data sets, and the files that it needs.

    `part` is the heading under which the report lists it. `needs` names the kinds of files that it reads of every run.
    `first_seed` is for figures that show one training, `device` for figures that compute with networks. `on_request` is for
    tables and figures that are made when they are asked for by name, and by nothing else; `scale` is that for which they are.
    `module` is the module that makes it, where several tables or figures share one. `rows_of` is the table of the paper beside
    whose numbers its rows stand, and whose claims are judged on them.
    """

    number: str
    title: str
    part: str
    needs: list[Literal["model", "labels", "scores", "timing", "history"]] = Field(min_length=1)
    first_seed: bool = False
    device: bool = False
    on_request: bool = False
    scale: str | None = None
    module: Annotated[str, Field(pattern="^[a-z0-9_]+$")] | None = None
    rows_of: Literal["table2"] | None = None
    datasets: list[str] = Field(min_length=1)
    runs: list[RunRow] = Field(min_length=1)
