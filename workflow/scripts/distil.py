from pathlib import Path

from grd.jobs import compute_job
from grd.project.run import RunSettings
from grd.training.fit import train

with compute_job(snakemake) as (device, _):
    students = train(
        [RunSettings.model_validate(run) for run in snakemake.params.runs],
        snakemake.params.code,
        samples=Path(snakemake.input.samples),
        state=Path(snakemake.params.state),
        device=device,
        teacher_model=Path(snakemake.input.teacher),
        folders=[Path(folder) for folder in snakemake.params.folders],
        save_every=60 * snakemake.config["checkpoint_minutes"],
    )
    for trained, record in zip(students, snakemake.output, strict=True):
        trained.write(Path(record))
