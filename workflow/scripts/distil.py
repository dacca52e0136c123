from pathlib import Path

from grd.device import claimed_device
from grd.logs import logged
from grd.runs import RunSettings
from grd.training.fit import train

runs, config = [RunSettings.model_validate(run) for run in snakemake.params.runs], snakemake.config
what = f"training {len(runs)} student(s) of {runs[0].teacher} on {runs[0].dataset} together"

with (
    logged(snakemake.log[0]),
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    trained = train(
        runs,
        snakemake.params.code,
        samples=Path(snakemake.input.samples),
        state=Path(snakemake.params.state),
        device=device,
        teacher_model=Path(snakemake.input.teacher),
        folders=[Path(folder) for folder in snakemake.params.folders],
        save_every=60 * config["checkpoint_minutes"],
    )
    trained.write(Path(snakemake.output.record))
