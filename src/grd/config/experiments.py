"""config/experiments.yaml: every table and figure as runs."""

from typing import Annotated, Literal

from pydantic import Field

from grd.config.parsing import Closed


class RunRow(Closed):
    """One or, with several methods, more runs of config/experiments.yaml; `datasets`: on these instead of the table's.

    `changes` are to the methods' own numbers, by name: the weight of a loss term, or an option like `queue_size`.
    """

    network: str
    teacher: str | None = None
    datasets: list[str] | None = None
    methods: list[str] = ["none"]
    changes: dict[Annotated[str, Field(pattern="^[a-z_]+$")], Annotated[float, Field(ge=0)]] = {}


class Experiment(Closed):
    """A table or figure: its number in the paper, its title, its runs on each of its data sets, and what it needs of them.

    `part` is the heading under which the report lists it. `needs` are kinds of files of every run. `first_seed` is for figures
    that show one training, `device` for figures that compute.
    """

    number: str
    title: str
    part: str
    needs: list[Literal["model", "labels", "scores", "timing"]] = Field(min_length=1)
    first_seed: bool = False
    device: bool = False
    datasets: list[str] = Field(min_length=1)
    runs: list[RunRow] = Field(min_length=1)
