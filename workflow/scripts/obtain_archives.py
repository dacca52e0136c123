from pathlib import Path

from grd.config.datasets import Source
from grd.config.scales import Twin
from grd.data.archives.provision import provide
from grd.jobs import record_job

with record_job(snakemake):
    provide(
        snakemake.wildcards.dataset,
        Source.model_validate(snakemake.params.addressed),
        folder=Path(snakemake.params.folder),
        inbox=Path(snakemake.params.inbox),
        twin=snakemake.params.twin and Twin.model_validate(snakemake.params.twin),
        record=Path(snakemake.output.record),
    )
