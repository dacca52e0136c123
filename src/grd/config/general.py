"""config/config.yaml: the choices of a call."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from grd.config.parsing import Closed, Positive, Seeds


class Fidelity(Closed):
    """The reading that each loss term follows where the paper's equations and its authors' released code differ."""

    supervised: Literal["paper", "released"] = "released"
    edges: Literal["paper", "released"] = "released"
    intra_affinity: Literal["paper", "released"] = "released"
    inter_affinity: Literal["paper", "released"] = "paper"
    levels: Literal["paper", "released"] = "paper"


class Config(Closed):
    """config/config.yaml: scale, seeds, device, folders, and the reading of the equations."""

    scale: str
    seeds: Seeds
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    jobs_per_gpu: Positive = 1
    data: Path = Path("data")
    allow_missing: list[str] = []
    sharing: Literal["table", "teacher", "run"] = "table"
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 10
    fidelity: Fidelity = Fidelity()
