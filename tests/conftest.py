"""Which tests run on which stores: see tests/support/stores.py. No property is held against a clock."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.stores import FAR, is_near_only

# A busy machine is slow at everything, and that says nothing of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded here is there for good: the collector of garbage need not look through it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what says nothing about the stores that are asked for."""
    if not FAR:
        return
    skip = pytest.mark.skip(reason="a fact about SQLite's process and file, or about a local folder")
    for item in items:
        if is_near_only(item.path, item.name):
            item.add_marker(skip)
