from pathlib import Path

from grd.config.segmenters import as_segmenter
from grd.jobs import recorded
from grd.segmentation.label_file import segment_split

with recorded(snakemake):
    segment_split(
        Path(snakemake.input.affinities),
        Path(snakemake.input.samples),
        "test",
        as_segmenter(snakemake.params.segmenter),
        out=Path(snakemake.output.labels),
        threads=snakemake.threads,
    )
