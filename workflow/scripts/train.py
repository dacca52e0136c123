from pathlib import Path

from grd.jobs import check_latest, compute_job
from grd.project.run import RunSettings
from grd.training.fit import train

with compute_job(snakemake) as (device, facts):
    state = Path(snakemake.params.state)
    [trained] = train(
        [RunSettings.model_validate(snakemake.params.run)],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=device,
        save_every=60 * snakemake.config["checkpoint_minutes"],
    )
    check_latest(snakemake)
    facts["training"] = trained.folder(state).hand_over(Path(snakemake.output.weights).parent)
