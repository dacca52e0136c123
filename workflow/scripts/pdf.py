from pathlib import Path

from grd.jobs import recorded
from grd.reporting.latex import write_pdf

with recorded(snakemake):
    write_pdf(Path(snakemake.input.source), Path(snakemake.output.pdf))
