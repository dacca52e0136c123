from pathlib import Path

from grd.device import choose_device
from grd.logs import logged
from grd.runs import RunSettings
from grd.training.fit import train

with logged(snakemake.log[0]):
    run, state, folder = RunSettings.model_validate(snakemake.params.run), Path(snakemake.params.state), Path(snakemake.output.model).parent
    trained = train(
        [run],
        [snakemake.params.code],
        samples=Path(snakemake.input.samples),
        state=state,
        device=choose_device(snakemake.config["device"], snakemake.threads),
        save_every=60 * snakemake.config["checkpoint_minutes"],
    )
    trained.folder(run.run, state).hand_over(folder)
