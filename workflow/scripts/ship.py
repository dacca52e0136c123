from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.shipped import write_shipped_model

with record_job(snakemake):
    project, layout = planned_project(snakemake)
    write_shipped_model(snakemake.rule, project, layout, *map(Path, snakemake.output))
