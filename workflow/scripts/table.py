from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.tables import make_table, write_table

with record_job(snakemake):
    project, layout = planned_project(snakemake)
    write_table(make_table(snakemake.rule, project, layout), *map(Path, snakemake.output))
