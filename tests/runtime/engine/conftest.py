"""All tests of the engine run by each library that is installed."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def every_engine(engine):
    """One after the other."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name == "test_tiling.py" and "openvino" in item.name:
            item.add_marker(pytest.mark.slow)
