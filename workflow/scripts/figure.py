from pathlib import Path

import torch
from grd.jobs import compute_job, planned_project, record_job
from grd.reporting.figures import make_figure
from grd.reporting.figures.panels import write_figure


def draw(*device):
    write_figure(*make_figure(snakemake.rule, *planned_project(snakemake), *device), *map(Path, snakemake.output))


if snakemake.params.shown["experiment"]["device"]:
    with compute_job(snakemake) as (device, _):
        draw(device)
else:
    with record_job(snakemake):
        torch.set_num_threads(snakemake.threads)
        draw()
