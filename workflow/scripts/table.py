from pathlib import Path

from grd.project.paths import Layout
from grd.provenance.passport import recorded
from grd.reporting.tables import TABLES, write_table
from grd.project.project import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_table(TABLES[snakemake.rule](project, layout), *map(Path, snakemake.output))
