import pytest
from pipelines import TARGETS, Pipeline


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A small pipeline with Tables II and III made, once; tests that edit it put it back."""
    pipeline = Pipeline(tmp_path_factory.mktemp("built"))
    pipeline.build(*TARGETS, PYTHONHASHSEED="0")
    pipeline.first_tables = pipeline.tables()
    return pipeline
