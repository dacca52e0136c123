from pathlib import Path

from grd.jobs import planned_project, recorded
from grd.reporting.tables import TABLES, write_table

with recorded(snakemake):
    project, layout = planned_project(snakemake)
    write_table(TABLES[snakemake.rule](project, layout), *map(Path, snakemake.output))
