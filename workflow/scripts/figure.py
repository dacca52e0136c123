from pathlib import Path

import torch
from grd.jobs import planned_project, record_job
from grd.reporting.figures import make_figure
from grd.reporting.figures.panels import write_figure
from grd.system.devices import choose_device, device_name

with record_job(snakemake) as facts:
    torch.set_num_threads(snakemake.threads)
    project, layout = planned_project(snakemake)
    if snakemake.resources.gpu:
        facts["device"] = device_name(choose_device(project.config.device))
    write_figure(*make_figure(snakemake.rule, project, layout), *map(Path, snakemake.output))
