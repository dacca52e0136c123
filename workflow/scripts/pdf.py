from pathlib import Path

from grd.logs import logged
from grd.reporting.latex import write_pdf

with logged(snakemake.log[0]):
    write_pdf(Path(snakemake.input.source), Path(snakemake.output.pdf))
