from pathlib import Path

import torch

from grd.system.devices import choose_device, device_name
from grd.project.paths import Layout
from grd.provenance.passport import recorded
from grd.reporting.figures import FIGURES
from grd.reporting.figures.panels import write_figure
from grd.project.project import Project

with recorded(snakemake) as facts:
    torch.set_num_threads(snakemake.threads)
    project = Project.planned(snakemake.config)
    if snakemake.resources.gpu:
        facts["device"] = device_name(choose_device(project.config.device))
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_figure(*FIGURES[snakemake.rule](project, layout), *map(Path, snakemake.output))
