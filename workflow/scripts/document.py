from pathlib import Path

from grd.jobs import planned_project, record_job
from grd.reporting.document import document, settings_of
from grd.system.files import write_text
from grd.system.hardware import hardware, versions

with record_job(snakemake):
    project, _ = planned_project(snakemake)
    made_with = {"Settings": settings_of(project), "Versions": versions(), "Hardware of this document": hardware()}
    write_text(Path(snakemake.output.tex), document(project, made_with))
