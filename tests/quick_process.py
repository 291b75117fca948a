"""Savings in the processes of the tests that change no result: YAML parsed once, fewer imports and fewer collections.

A process of its own that is to be quick imports this module first.
"""

import gc
from functools import cache
from typing import IO, Any

import pytest
import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf._utils import get_yaml_loader

from hepad.core.late_import import import_late
from hepad.logging.early_import import import_wandb_first

import_late()
# No garbage is worth looking for until the tests begin.
gc.disable()
# The first wandb.init of a process takes seconds where torch was imported before.
import_wandb_first({"wandb": {"_target_": "hepad.logging.loggers.wandb_logger", "mode": "offline"}})
import wandb.util  # noqa: E402

_load = OmegaConf.load
_working_set = wandb.util.working_set


@cache
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=get_yaml_loader())


def _load_with_memory(file: str | IO[str]) -> DictConfig | ListConfig:
    """Return what `OmegaConf.load` does; every command composes its config three times from the same thirty files."""
    if not hasattr(file, "read"):
        return _load(file)
    try:
        found = _parsed(file.read())
    except yaml.YAMLError:
        # Its message names the file.
        file.seek(0)
        return _load(file)
    if not isinstance(found, dict | list):
        file.seek(0)
        return _load(file)
    # Makes its own copy.
    return OmegaConf.create(found)


@cache
def _installed() -> list[Any]:
    return list(_working_set())


def pytest_configure() -> None:
    """Let configs and the list of packages, which W&B keeps with each run, be read once."""
    OmegaConf.load = staticmethod(_load_with_memory)
    wandb.util.working_set = _installed


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay to the end, out of every collection of garbage."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
