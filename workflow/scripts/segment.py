from pathlib import Path

from grd.jobs import compute_job
from grd.segmentation.run_files import Evaluation, segment_run

with compute_job(snakemake) as (device, _):
    segment_run(
        Path(snakemake.input.weights),
        Path(snakemake.input.samples),
        Evaluation.model_validate(snakemake.params.evaluation),
        labels=Path(snakemake.output.labels),
        model=Path(snakemake.output.model),
        device=device,
        threads=snakemake.threads,
    )
