"""Tests marked `gpu`: left out where there is no CUDA device, which the last lines of the tests then say.

A skipped test counts as one that was looked at; these were not, so they are deselected and counted.
"""

from typing import Any, Final

import pytest

_MARK: Final = "gpu"
_LEFT_OUT: Final = pytest.StashKey[int]()


def _has_device() -> bool:
    # Imported here: the process that only hands out tests to others need not wait for it.
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a GPU where there is none."""
    found = [item for item in items if item.get_closest_marker(_MARK)]
    if not found or _has_device():
        return
    config.hook.pytest_deselected(items=found)
    items[:] = [item for item in items if item not in set(found)]
    config.stash[_LEFT_OUT] = len(found)
    if hasattr(config, "workeroutput"):
        config.workeroutput[_MARK] = len(found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take the number from a process of pytest-xdist; each of them collects every test."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get(_MARK, 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests did not run."""
    if number := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_sep("-", f"{number} gpu tests did not run: no CUDA device (CONTRIBUTING.md)")
