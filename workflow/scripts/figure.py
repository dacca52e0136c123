from pathlib import Path

import torch

from grd.device import choose_device, device_name
from grd.layout import Layout
from grd.provenance import recorded
from grd.reporting.figures import FIGURES
from grd.reporting.panels import write_figure
from grd.runs import Project

with recorded(snakemake) as facts:
    torch.set_num_threads(snakemake.threads)
    project = Project.planned(snakemake.config)
    if snakemake.resources.gpu:
        facts["device"] = device_name(choose_device(project.config.device))
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*FIGURES[snakemake.rule](project, layout), *map(Path, snakemake.output))
