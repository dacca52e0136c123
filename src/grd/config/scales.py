"""config/scales/*.yaml: on which data, with which networks, how long."""

from typing import Annotated, Any, Literal

from pydantic import Field

from grd.config.parsing import Closed, Positive, Range, Size


class Training(Closed):
    """How a network is trained; the learning rate is `learning_rate` throughout (constant) or its peak (one_cycle).

    `teacher_iterations` replaces `iterations` for networks that teach; `weights` replaces factors of distillation terms, by
    name, in all methods that have them.
    """

    iterations: Positive
    teacher_iterations: Positive | None = None
    batch_size: Positive = 2
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    schedule: Literal["constant", "one_cycle"] = "constant"
    betas: Range = (0.9, 0.999)
    eps: float = 0.01
    weight_decay: float = 1e-6
    amsgrad: bool = True
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    select: Literal["best", "last"] = "best"
    log_every: Positive = 100
    validate_every: Positive = 1000


class Twin(Closed):
    """Size of a data set's synthetic images (or sections, whose number is the official one), and the seed they are drawn
    with.

    Of volumes also: `magnification` of the neurites' diameters (about 16 pixels), and `drift`, by how much of their radii
    neurites move from one section to the next.
    """

    size: Size
    seed: int = 0
    magnification: Annotated[float, Field(gt=0)] = 1
    drift: Annotated[float, Field(ge=0, le=0.5)] = 0.25


class Scale(Closed):
    """config/scales/*.yaml: on which data, with which networks and how long.

    `volumes` is laid over `training` for data sets of volumes. `threads`, `training_hours` and
    `training_gb` are what a training job asks a cluster for; where it was measured, `training_hours` are the most that it does.
    """

    title: str
    data: Literal["archives", "twins"]
    twins: dict[str, Twin] = {}
    networks: dict[str, dict[str, Any]] = {}
    training: Training
    volumes: dict[str, Any] = {}
    threads: Positive = 4
    training_hours: Annotated[float, Field(gt=0)] = 24
    training_gb: Annotated[float, Field(gt=0)] = 16
    datasets: dict[str, dict[str, Any]] = {}
