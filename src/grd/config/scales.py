"""config/scales/*.yaml: data, sizes of networks, and length of training."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from grd.config.parsing import Closed, Natural, Positive, Size

Decay = Annotated[float, Field(ge=0, lt=1)]
"""Decay of a running mean of Adam."""


def scale_names(folder: Path = Path("config")) -> list[str]:
    """Names of the scales in a folder of configuration."""
    return [path.stem for path in sorted((folder / "scales").glob("*.yaml"))]


class Training(Closed):
    """Settings of a training. The learning rate is `learning_rate` throughout (`constant`) or at its peak (`one_cycle`).

    `teacher_iterations` replaces `iterations` for networks that teach; `weights` replaces weights of distillation terms, by
    name, in all methods that have them. `precision` is that of products and convolutions in networks: full float32, `tf32`
    (float32 with factors rounded to 10 bits of mantissa, on recent GPUs), or bfloat16. `select` says which weights of a training
    are its result: those with the best `score` on validation images (the data set's first metric), the lowest validation `loss`,
    or the `last`. A validation is made every `validate_every` steps on at most `validation_images` images or volumes, which are
    spread evenly over the split, so that it costs less than a tenth of the training.
    """

    iterations: Positive
    teacher_iterations: Positive | None = None
    batch_size: Positive = 2
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    schedule: Literal["constant", "one_cycle"] = "constant"
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Annotated[float, Field(gt=0)] = 0.01
    weight_decay: Annotated[float, Field(ge=0)] = 1e-6
    amsgrad: bool = True
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    channels_last: bool = False
    select: Literal["score", "loss", "last"] = "loss"
    log_every: Positive = 100
    validate_every: Positive = 1000
    validation_images: Positive = 20


class Twin(Closed):
    """Size of a data set's synthetic images, or of the sections of its volumes (as many as the official ones), and the seed
    that they are drawn with.

    `magnification` is of the objects' size in pixels: 1 draws worms 5 to 6 pixels and nuclei 12 to 18 pixels wide, half of the
    real ones, and neurites of about 16 pixels; leaves fill their image at any size. For volumes also `drift`, the share of its
    radius that a neurite moves from one section to the next.
    """

    size: Size
    seed: Natural = 0
    magnification: Annotated[float, Field(gt=0)] = 1
    drift: Annotated[float, Field(ge=0, le=0.5)] = 0.25


class Scale(Closed):
    """A scale of config/scales: data, sizes of networks, and length of training.

    `networks` replaces arguments of networks by name. `volumes` is laid over `training` for data sets of volumes, and
    `datasets` over config/datasets.yaml. `threads`, `training_hours` and `training_gb` are what a training job asks a cluster
    for; after `grd benchmark` it asks for what was measured, and `training_hours` is its upper limit.
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
