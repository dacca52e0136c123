from pathlib import Path

from grd.layout import Layout
from grd.provenance import recorded
from grd.reporting.claims import load_claims
from grd.reporting.claims.report import claims_table, write_claims
from grd.runs import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    layout = Layout(Path(snakemake.output.csv).parents[1], project.config.data)
    write_claims(claims_table(project, layout, load_claims()), *map(Path, snakemake.output))
