from pathlib import Path

from grd.system.files import write_text
from grd.system.hardware import hardware, versions
from grd.provenance.passport import recorded
from grd.reporting.document import document, settings_of
from grd.project.project import Project

with recorded(snakemake):
    project = Project.planned(snakemake.config)
    made_with = {"Settings": settings_of(project), "Versions": versions(), "Hardware of this document": hardware()}
    tables, figures = snakemake.params.tables, snakemake.params.figures
    write_text(Path(snakemake.output.tex), document(project, tables, figures, made_with))
