from pathlib import Path

from grd.project.paths import Layout
from grd.provenance.passport import recorded
from grd.reporting.claims import load_claims
from grd.reporting.claims.table import claims_table, write_claims
from grd.project.project import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_claims(claims_table(project, layout, load_claims()), *map(Path, snakemake.output))
