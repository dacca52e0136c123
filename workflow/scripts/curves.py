from pathlib import Path

from grd.project.paths import Layout
from grd.provenance.passport import recorded
from grd.reporting.figures.curves import curves
from grd.reporting.figures.panels import write_figure
from grd.project.project import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*curves(project, layout, snakemake.wildcards.dataset), *map(Path, snakemake.output))
