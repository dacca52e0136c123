from pathlib import Path

import pandas as pd

from grd.apply.measure import join, write_csv
from grd.system.logs import log_to

with log_to(snakemake.log[0]):
    write_csv(Path(snakemake.output[0]), join({Path(path).stem: pd.read_csv(path) for path in snakemake.params.tables}))
