from pathlib import Path

from grd.system.files import write_text
from grd.system.hardware import hardware, versions
from grd.jobs import planned_project, recorded
from grd.reporting.document import document, settings_of

with recorded(snakemake):
    project, _ = planned_project(snakemake)
    made_with = {"Settings": settings_of(project), "Versions": versions(), "Hardware of this document": hardware()}
    tables, figures = snakemake.params.tables, snakemake.params.figures
    write_text(Path(snakemake.output.tex), document(project, tables, figures, made_with))
