from pathlib import Path

from grd.device import claimed_device, device_name
from grd.inference.predict import predict_splits
from grd.provenance import recorded

w, config = snakemake.wildcards, snakemake.config
what = f"predicting {w.dataset} with {w.run}"

with (
    recorded(snakemake) as facts,
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    facts["device"] = device_name(device)
    predict_splits(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=device,
    )
