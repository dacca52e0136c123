from pathlib import Path

from grd.jobs import planned_project, recorded
from grd.reporting.tables import make_table, write_table

with recorded(snakemake):
    project, layout = planned_project(snakemake)
    write_table(make_table(snakemake.rule, project, layout), *map(Path, snakemake.output))
