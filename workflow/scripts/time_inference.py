from pathlib import Path

from grd.config import as_segmenter
from grd.device import choose_device, device_name
from grd.provenance import recorded
from grd.segmentation.timing import time_split

with recorded(snakemake) as facts:
    device = choose_device(snakemake.config["device"], snakemake.threads)
    facts["device"] = device_name(device)
    time_split(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        "test",
        snakemake.params.canvas,
        as_segmenter(snakemake.params.segmenter),
        out=Path(snakemake.output.timing),
        device=device,
    )
