"""Distribution of the tests among the processes of pytest-xdist: what takes long first, and one file at one process.

Otherwise the largest numbers of tests would come first, and the few long ones would be waited for at the end.
"""

import os
from typing import Any, Final

import pytest

_LONG: Final = ("tests/browser/", "tests/unit/simulation/", "tests/runs/", "tests/gpu/", "tests/unit/plots/")
"""Folders, in the order in which their tests begin."""

_TOGETHER: Final = ("tests/browser/", "tests/unit/simulation/")
"""Folders whose files share what is costly to make: a browser, collisions that Pythia makes."""


def group_of(nodeid: str) -> str:
    """Return the name of the group of tests that one process runs: a file, or a folder of `_TOGETHER`."""
    return next((folder for folder in _TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


def _place_of(item: pytest.Item) -> int:
    return next((place for place, folder in enumerate(_LONG) if item.nodeid.startswith(folder)), len(_LONG))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, in the processes of pytest-xdist alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_place_of)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what hands out groups of tests in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)
