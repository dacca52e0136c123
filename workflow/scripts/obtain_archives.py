from pathlib import Path

from grd.config import Source, Twin
from grd.data.provide import provide
from grd.provenance import recorded

with recorded(snakemake):
    provide(
        snakemake.wildcards.dataset,
        Source.model_validate(snakemake.params.source),
        folder=Path(snakemake.params.folder),
        inbox=Path(snakemake.params.inbox),
        twin=snakemake.params.twin and Twin.model_validate(snakemake.params.twin),
        record=Path(snakemake.output.record),
    )
