from pathlib import Path

from grd.device import choose_device
from grd.logs import logged
from grd.runs import RunSettings
from grd.training.fit import train

with logged(snakemake.log[0]):
    state = Path(snakemake.params.state)
    [trained] = train(
        [RunSettings.model_validate(snakemake.params.run)],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=choose_device(snakemake.config["device"], snakemake.threads),
        save_every=60 * snakemake.config["checkpoint_minutes"],
    )
    trained.folder(state).hand_over(Path(snakemake.output.model).parent)
