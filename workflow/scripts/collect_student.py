from pathlib import Path

from grd.jobs import recorded
from grd.training.folder import Trained

with recorded(snakemake) as facts:
    trained = Trained.read(Path(snakemake.input.record))
    facts["training"] = trained.folder(Path(snakemake.params.state)).hand_over(
        Path(snakemake.output.model).parent, samples=Path(snakemake.input.samples), teacher=Path(snakemake.input.teacher)
    )
