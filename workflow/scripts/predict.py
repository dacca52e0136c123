from pathlib import Path

from grd.device import choose_device
from grd.inference.predict import predict_splits
from grd.logs import logged

with logged(snakemake.log[0]):
    predict_splits(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=choose_device(snakemake.config["device"], snakemake.threads),
    )
