from pathlib import Path

from grd.logs import logged
from grd.training.folder import Trained

with logged(snakemake.log[0]):
    trained = Trained.read(Path(snakemake.input.record))
    trained.folder(Path(snakemake.params.state)).hand_over(Path(snakemake.output.model).parent)
