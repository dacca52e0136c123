from pathlib import Path

from grd.jobs import record_job
from grd.metrics.score_file import write_score_file

with record_job(snakemake):
    write_score_file(Path(snakemake.input.labels), Path(snakemake.input.samples), out=Path(snakemake.output.scores))
