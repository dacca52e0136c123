from pathlib import Path

from grd.apply.batches import segment_batch
from grd.system.logs import log_to

with log_to(snakemake.log[0]):
    segment_batch(
        [Path(image) for image in snakemake.params.images],
        Path(snakemake.input.model),
        snakemake.params.options,
        Path(snakemake.params.out),
        snakemake.params.device,
        snakemake.threads,
    )
