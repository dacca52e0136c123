import pytest
from pipelines import TARGETS, Pipeline


@pytest.mark.slow
def test_other_cores_and_another_hash_seed_give_the_same_tables_to_the_byte(built, tmp_path):
    other = Pipeline(tmp_path)
    other.build(*TARGETS, cores=1, PYTHONHASHSEED="4242")
    assert other.tables() == built.first_tables
