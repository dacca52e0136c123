from pathlib import Path

from grd.device import choose_device, device_name
from grd.inference.predict import predict_splits
from grd.provenance import recorded

with recorded(snakemake) as facts:
    device = choose_device(snakemake.config["device"], snakemake.threads)
    facts["device"] = device_name(device)
    predict_splits(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=device,
    )
