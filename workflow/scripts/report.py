import json
import subprocess
import tempfile
from pathlib import Path

from grd.errors import GrdError
from grd.jobs import record_job

# A second Snakemake makes the report; it runs no job. It has the first one's configuration as a file, which keeps the types
# that --config would not, and its Python, since no environment of a rule holds Snakemake.
with record_job(snakemake), tempfile.TemporaryDirectory() as folder, open(snakemake.log[0], "a") as log:
    configuration = Path(folder) / "config.json"
    configuration.write_text(json.dumps(snakemake.config))
    made = subprocess.run(
        [
            *(snakemake.params.python, "-m", "snakemake", "--snakefile", snakemake.params.snakefile, "--cores", "1"),
            *("--configfile", configuration, "--profile", "none", "--workflow-profile", "none"),
            *("--report", snakemake.output.html, "--report-stylesheet", snakemake.input.stylesheet),
            *("--", *snakemake.input.tables, *snakemake.input.figures, *snakemake.input.curves, snakemake.input.claims),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    if made.returncode:
        raise GrdError(f"{snakemake.output.html}: Snakemake could not make the report; see why in {snakemake.log[0]}")
