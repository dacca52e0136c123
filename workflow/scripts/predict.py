from pathlib import Path

from grd.inference.predict import write_affinity_file
from grd.jobs import compute_job

with compute_job(snakemake) as (device, _):
    write_affinity_file(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=device,
    )
