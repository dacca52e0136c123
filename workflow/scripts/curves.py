from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.figures.curves import loss_curves
from grd.reporting.figures.panels import write_pages

with record_job(snakemake):
    project, layout = planned_project(snakemake)
    write_pages(*loss_curves(project, layout, snakemake.wildcards.dataset), *map(Path, snakemake.output))
