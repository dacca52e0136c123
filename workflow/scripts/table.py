from pathlib import Path

from grd.layout import Layout
from grd.provenance import recorded
from grd.reporting.tables import TABLES, write_table
from grd.runs import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_table(TABLES[snakemake.rule](project, layout), *map(Path, snakemake.output))
