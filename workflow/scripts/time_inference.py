from pathlib import Path

from grd.config import as_segmenter
from grd.device import claimed_device, device_name
from grd.provenance import recorded
from grd.segmentation.timing import time_split

w, config = snakemake.wildcards, snakemake.config
what = f"timing {w.run} on {w.dataset}"

with (
    recorded(snakemake) as facts,
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
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
