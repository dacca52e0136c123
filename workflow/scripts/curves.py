from pathlib import Path

from grd.layout import Layout
from grd.provenance import recorded
from grd.reporting.curves import curves
from grd.reporting.panels import write_figure
from grd.runs import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*curves(project, layout, snakemake.wildcards.dataset), *map(Path, snakemake.output))
