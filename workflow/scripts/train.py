from pathlib import Path

from grd.device import claimed_device, device_name
from grd.provenance import recorded
from grd.runs import RunSettings
from grd.training.fit import train

run, config = RunSettings.model_validate(snakemake.params.run), snakemake.config
what = f"training {run.run} on {run.dataset}"

with (
    recorded(snakemake) as facts,
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    facts["device"], state = device_name(device), Path(snakemake.params.state)
    [trained] = train(
        [run],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=device,
        save_every=60 * config["checkpoint_minutes"],
    )
    facts["training"] = trained.folder(state).hand_over(Path(snakemake.output.model).parent)
