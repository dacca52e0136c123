from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.claims import load_claims
from grd.reporting.claims.table import claims_table, write_claims

with record_job(snakemake):
    project, layout = planned_project(snakemake)
    write_claims(claims_table(project, layout, load_claims(project.claims)), *map(Path, snakemake.output))
