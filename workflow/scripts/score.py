from pathlib import Path

from grd.jobs import recorded
from grd.metrics.score_file import score_split

with recorded(snakemake):
    score_split(
        Path(snakemake.input.labels), Path(snakemake.input.samples), "test", out=Path(snakemake.output.scores)
    )
