from pathlib import Path

from grd.jobs import recorded
from grd.metrics.score_file import write_score_file

with recorded(snakemake):
    write_score_file(
        Path(snakemake.input.labels), Path(snakemake.input.samples), "test", out=Path(snakemake.output.scores)
    )
