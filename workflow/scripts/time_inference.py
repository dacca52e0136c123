from pathlib import Path

from grd.jobs import compute_job
from grd.segmentation.timing import write_timing_file

with compute_job(snakemake) as (device, _):
    write_timing_file(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.segmenter,
        out=Path(snakemake.output.timing),
        device=device,
    )
