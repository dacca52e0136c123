from pathlib import Path

import torch

from grd.system.devices import choose_device, device_name
from grd.jobs import planned_project, recorded
from grd.reporting.figures import FIGURES
from grd.reporting.figures.panels import write_figure

with recorded(snakemake) as facts:
    torch.set_num_threads(snakemake.threads)
    project, layout = planned_project(snakemake)
    if snakemake.resources.gpu:
        facts["device"] = device_name(choose_device(project.config.device))
    write_figure(*FIGURES[snakemake.rule](project, layout), *map(Path, snakemake.output))
