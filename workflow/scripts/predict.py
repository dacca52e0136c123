from pathlib import Path

from grd.device import choose_device
from grd.inference.predict import predict_split
from grd.logs import logged

with logged(snakemake.log[0]):
    predict_split(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        "test",
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=choose_device(snakemake.params.device, snakemake.threads),
    )
