from pathlib import Path

from grd.device import claimed_device
from grd.logs import logged
from grd.runs import RunSettings
from grd.training.fit import train

run, config = RunSettings.model_validate(snakemake.params.run), snakemake.config
what = f"training {run.run} on {run.dataset}"

with (
    logged(snakemake.log[0]),
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    state, folder = Path(snakemake.params.state), Path(snakemake.output.model).parent
    trained = train(
        [run],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=device,
        save_every=60 * config["checkpoint_minutes"],
    )
    trained.folder(run.run, state).hand_over(folder)
