from pathlib import Path

from grd.device import choose_device, device_name
from grd.provenance import recorded
from grd.runs import RunSettings
from grd.training.fit import train

with recorded(snakemake) as facts:
    device = choose_device(snakemake.config["device"], snakemake.threads)
    facts["device"] = device_name(device)
    state = Path(snakemake.params.state)
    [trained] = train(
        [RunSettings.model_validate(snakemake.params.run)],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=device,
        save_every=60 * snakemake.config["checkpoint_minutes"],
    )
    facts["training"] = trained.folder(state).hand_over(Path(snakemake.output.model).parent)
