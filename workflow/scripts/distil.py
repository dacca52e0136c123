from pathlib import Path

from grd.device import claimed_device, device_name
from grd.provenance import recorded
from grd.runs import RunSettings
from grd.training.fit import train

runs, config = [RunSettings.model_validate(run) for run in snakemake.params.runs], snakemake.config
what = f"training {len(runs)} student(s) of {runs[0].teacher} on {runs[0].dataset} together"

with (
    recorded(snakemake) as facts,
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    facts["device"] = device_name(device)
    students = train(
        runs,
        snakemake.params.code,
        samples=Path(snakemake.input.samples),
        state=Path(snakemake.params.state),
        device=device,
        teacher_model=Path(snakemake.input.teacher),
        folders=[Path(folder) for folder in snakemake.params.folders],
        save_every=60 * config["checkpoint_minutes"],
    )
    for trained, record in zip(students, snakemake.output, strict=True):
        trained.write(Path(record))
