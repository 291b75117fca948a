"""Tests that are left out unless they can run or are asked for, which the last lines of the tests then say.

`gpu`: needs a CUDA device. `thorough`: repeats what other tests look at with other models, data or settings, for
`--thorough` (`make thorough`, every night). A skipped test counts as one that was looked at; these were not, so they
are deselected and counted.
"""

from collections.abc import Sequence
from typing import Any, Final

import pytest

_WHY: Final = {
    "gpu": "no CUDA device (CONTRIBUTING.md)",
    "thorough": "make thorough runs them too",
}
_LEFT_OUT: Final = pytest.StashKey[dict[str, int]]()


def _has_device() -> bool:
    # Imported here: the process that only hands out tests to others need not wait for it.
    import torch

    return torch.cuda.is_available()


def _runs(mark: str, config: pytest.Config) -> bool:
    return _has_device() if mark == "gpu" else config.getoption("--thorough")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--thorough`."""
    parser.addoption("--thorough", action="store_true", help="run the tests marked thorough as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here, and what was not asked for."""
    counts = {}
    for mark in _WHY:
        found = [item for item in items if item.get_closest_marker(mark)]
        if found and not _runs(mark, config):
            config.hook.pytest_deselected(items=found)
            items[:] = [item for item in items if item not in set(found)]
            counts[mark] = len(found)
    config.stash[_LEFT_OUT] = counts
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = counts


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take the numbers from a process of pytest-xdist; each of them collects every test."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", {})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many tests did not run."""
    for mark, number in config.stash.get(_LEFT_OUT, {}).items():
        terminalreporter.write_sep("-", f"{number} {mark} tests did not run: {_WHY[mark]}")


def covering(cases: Sequence[tuple[str, ...]], *together: tuple[int, ...]) -> list[Any]:
    """Return `cases` as parameters of a test; those that try nothing for the first time are thorough.

    So every model, every kind of data and every loss is tried in each run of the tests, every combination every night.

    Args:
        cases: words, such as a model and data.
        together: the places of words that count together; without any, each word counts alone.
    """
    seen: set[tuple[tuple[int, ...], tuple[str, ...]]] = set()
    params = []
    for case in cases:
        places = together or [(place,) for place in range(len(case))]
        new = {(at, tuple(case[place] for place in at)) for at in places} - seen
        seen |= new
        params.append(pytest.param(case, id="-".join(case), marks=() if new else pytest.mark.thorough))
    return params
