from pathlib import Path

from grd.jobs import record_job
from grd.reporting.latex import write_pdf

with record_job(snakemake):
    write_pdf(Path(snakemake.input.source), Path(snakemake.output.pdf))
