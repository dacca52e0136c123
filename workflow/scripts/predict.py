from pathlib import Path

from grd.device import claimed_device
from grd.inference.predict import predict_splits
from grd.logs import logged

w, config = snakemake.wildcards, snakemake.config
what = f"predicting {w.dataset} with {w.run}"

with (
    logged(snakemake.log[0]),
    claimed_device(what, config["device"], snakemake.threads, config["jobs_per_gpu"]) as device,
):
    predict_splits(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=device,
    )
