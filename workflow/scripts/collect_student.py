from pathlib import Path

from grd.jobs import record_job
from grd.training.folder import TrainingRecord

with record_job(snakemake) as facts:
    trained = TrainingRecord.read(Path(snakemake.input.record))
    facts["training"] = trained.folder(Path(snakemake.params.state)).hand_over(
        Path(snakemake.output.weights).parent, samples=Path(snakemake.input.samples), teacher=Path(snakemake.input.teacher)
    )
