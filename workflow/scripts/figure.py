from pathlib import Path

import torch

from grd.layout import Layout
from grd.logs import logged
from grd.reporting.figures import FIGURES
from grd.reporting.panels import write_figure
from grd.runs import Project

with logged(snakemake.log[0]):
    torch.set_num_threads(snakemake.threads)
    project = Project.load(config=snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*FIGURES[snakemake.rule](project, layout), *map(Path, snakemake.output))
