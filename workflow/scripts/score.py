from pathlib import Path

from grd.logs import logged
from grd.metrics.split import score_split

with logged(snakemake.log[0]):
    score_split(
        Path(snakemake.input.labels), Path(snakemake.input.samples), "test", out=Path(snakemake.output.scores)
    )
