from pathlib import Path

from grd.config.segmenters import as_segmenter
from grd.jobs import record_job
from grd.segmentation.label_file import write_label_file

with record_job(snakemake):
    write_label_file(
        Path(snakemake.input.affinities),
        Path(snakemake.input.samples),
        "test",
        as_segmenter(snakemake.params.segmenter),
        out=Path(snakemake.output.labels),
        threads=snakemake.threads,
    )
