from pathlib import Path

from grd.config import as_segmenter
from grd.device import choose_device
from grd.logs import logged
from grd.segmentation.timing import time_split

with logged(snakemake.log[0]):
    time_split(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        "test",
        snakemake.params.canvas,
        as_segmenter(snakemake.params.segmenter),
        out=Path(snakemake.output.timing),
        device=choose_device(snakemake.config["device"], snakemake.threads),
    )
