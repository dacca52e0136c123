import pytest

from grd.networks.complexity import complexity_by_name


@pytest.fixture(autouse=True, scope="session")
def _networks_counted_once():
    """Tables count the operations of each network at each size once for all tests."""
    counts = {}

    def counted(*arguments, **changes):
        key = repr((arguments, changes))
        if key not in counts:
            counts[key] = complexity_by_name(*arguments, **changes)
        return counts[key]

    with pytest.MonkeyPatch.context() as patch:
        for table in ("table1", "table6"):
            patch.setattr(f"grd.reporting.tables.{table}.complexity_by_name", counted)
        yield
