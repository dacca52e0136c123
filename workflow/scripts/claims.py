from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.claims import load_claims
from grd.reporting.claims.table import claims_table, write_claims

with record_job(snakemake):
    project, layout = planned_project(snakemake)
    table = claims_table(project, layout, load_claims(project.claims), snakemake.params.table)
    write_claims(table, *map(Path, snakemake.output))
