"""Savings in the processes of the tests that change no result: configs composed once, fewer imports, fewer collections.

A process of its own that is to be quick imports this module first.
"""

import gc
import inspect
import sys
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import pytest

from hepad.core.late_import import import_late
from hepad.logging.early_import import import_wandb_first
from tests.remembered_configs import remember_configs

import_late()
# No garbage is worth looking for until the tests begin.
gc.disable()
# The first wandb.init of a process takes seconds where torch was imported before.
import_wandb_first({"wandb": {"_target_": "hepad.logging.loggers.wandb_logger", "mode": "offline"}})
import wandb.util  # noqa: E402

_working_set = wandb.util.working_set


@cache
def _installed() -> list[Any]:
    return list(_working_set())


def pytest_configure() -> None:
    """Let configs and the list of packages, which W&B keeps with each run, be read once."""
    remember_configs()
    wandb.util.working_set = _installed


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay to the end, out of every collection of garbage."""
    if "lightning.pytorch" in sys.modules:
        # It looks at the file names of all callers whenever a checkpoint is loaded, and reads their source with it.
        helpers = sys.modules["lightning.pytorch.utilities.model_helpers"]
        helpers.inspect = SimpleNamespace(**{**vars(inspect), "stack": partial(inspect.stack, 0)})
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
