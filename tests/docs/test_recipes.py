"""What the pages say about adding things, done in a copy of the project."""

import h5py
import pytest
from test_commands import run

FILES = ("results/trial/runs/cells/resunet_tiny-grd-resunet-s0/model.pt", "results/trial/runs/cvppp/resunet_s30-s0/model.pt")


def test_a_method_a_network_a_table_and_a_data_set_are_planned(extended):
    result = run(f"snakemake --config scale=trial -- {' '.join(FILES)} table7", extended)
    assert result.returncode == 0, result.stdout + result.stderr
    result = run("grd plan table7", extended)
    assert result.returncode == 0 and "mse" not in result.stderr, result.stderr


@pytest.mark.slow
def test_images_of_ones_own_become_a_data_set(extended):
    result = run("python -m snakemake --cores 1 --config scale=trial -- results/trial/data/cells.h5", extended)
    assert result.returncode == 0, result.stdout + result.stderr
    with h5py.File(extended / "results/trial/data/cells.h5") as file:
        assert [len(file[split]["names"]) for split in ("training", "validation", "test")] == [3, 1, 1]
        assert file["test/images"].shape == (1, 256, 256) and file["test/labels"][:].max() == 5
