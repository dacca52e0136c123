from pathlib import Path

from grd.config.datasets import Source
from grd.data.archives.provision import read_record
from grd.data.prepare import prepare
from grd.jobs import record_job

with record_job(snakemake):
    prepare(
        snakemake.wildcards.dataset,
        Source.model_validate(snakemake.params.source),
        read_record(Path(snakemake.input.record), Path(snakemake.params.folder)),
        out=Path(snakemake.output.samples),
        allow_missing=snakemake.params.allow_missing,
    )
