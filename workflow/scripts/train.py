from pathlib import Path

from grd.device import choose_device
from grd.logs import logged
from grd.runs import RunSettings
from grd.training.fit import train

with logged(snakemake.log[0]):
    train(
        [RunSettings.model_validate(run) for run in snakemake.params.runs],
        samples=Path(snakemake.input.samples),
        folders=[Path(model).parent for model in snakemake.output.models],
        state=Path(snakemake.params.state),
        device=choose_device(snakemake.params.device, snakemake.threads),
        teacher_model=snakemake.input.get("teacher"),
    )
