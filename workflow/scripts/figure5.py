from pathlib import Path

from grd.device import choose_device
from grd.layout import Layout
from grd.logs import logged
from grd.reporting.figures import figure5, write_figure
from grd.runs import Project

with logged(snakemake.log[0]):
    project = Project.load(config=snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*figure5(project, layout, choose_device(snakemake.params.device, snakemake.threads)), *map(Path, snakemake.output))
