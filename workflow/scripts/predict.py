from pathlib import Path

from grd.inference.predict import predict_splits
from grd.jobs import computing

with computing(snakemake) as (device, _):
    predict_splits(
        Path(snakemake.input.model),
        Path(snakemake.input.samples),
        snakemake.params.splits,
        snakemake.params.canvas,
        out=Path(snakemake.output.affinities),
        device=device,
    )
