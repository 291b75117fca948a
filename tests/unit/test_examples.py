"""Examples in docstrings: every public class and function has one, and pytest runs it (`--doctest-modules`)."""

import doctest
import importlib
import inspect
from collections.abc import Iterator
from functools import cache

import pytest

PACKAGES = (
    "hepad",
    "hepad.columnar",
    "hepad.config",
    "hepad.core.batch",
    "hepad.core.schema",
    "hepad.data",
    "hepad.formats",
    "hepad.generators",
    "hepad.inference",
    "hepad.losses",
    "hepad.metrics",
    "hepad.models",
    "hepad.nn",
    "hepad.plots",
    "hepad.python",
    "hepad.report",
    "hepad.run",
    "hepad.stats",
)

WITHOUT = {
    "hepad.data.AnomalyDataModule": "abstract; each kind of data shows it",
    "hepad.data.Entries": "made by a datamodule, whose example shows the entries",
    "hepad.inference.LatentSearchInference": "a callback of a run; docs/latent_search.md shows the command",
    "hepad.generators.GeneratorCard": "returned by generator_card",
    "hepad.inference.SearchResult": "returned by LatentSearch",
    "hepad.models.ReconstructionModel": "abstract; each autoencoder shows it",
    "hepad.models.eval_mode": "made by contextmanager, behind which doctest finds no docstring",
    "hepad.run.Run": "returned by load_run",
    "hepad.run.TrainingResult": "returned by train",
}


def public_objects() -> Iterator[tuple[str, object]]:
    """Yield the public classes and functions of the packages a user imports from, by full name."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == package]
        for name in getattr(module, "__all__", own):
            value = getattr(module, name)
            if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
                yield f"{package}.{name}", value


@cache
def shown_in(module: str) -> frozenset[str]:
    """The names whose own docstring has an example, with an output, that doctest finds in a module."""
    found = doctest.DocTestFinder().find(importlib.import_module(module))
    return frozenset(test.name for test in found if any(example.want for example in test.examples))


def has_example(value: object) -> bool:
    return f"{value.__module__}.{value.__qualname__}" in shown_in(value.__module__)


PUBLIC = dict(public_objects())


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - WITHOUT.keys()))
def test_what_a_user_calls_has_an_example(name: str) -> None:
    assert has_example(PUBLIC[name]), f"{name} has no example (`>>>`) with an output in its docstring"


@pytest.mark.parametrize("name", WITHOUT)
def test_an_exception_is_still_one(name: str) -> None:
    assert not has_example(PUBLIC[name]), f"{name} has an example: leave it out of the exceptions"


def test_examples_are_run_with_the_tests(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("doctestmodules")
    assert "src/hepad" in pytestconfig.getini("testpaths")
