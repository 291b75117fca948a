"""Composing a run from a config, loading one back, comparing several.

Each name is imported on first use, so that what only reads directories (`hepad.comparison`) stays free of torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepad.checks.combinations import validate
    from hepad.run.executing import TrainingResult
    from hepad.run.loading import Run, load_run
    from hepad.run.training import train

__all__ = ["Run", "TrainingResult", "load_run", "train", "validate"]

_MODULES = {
    "Run": "hepad.run.loading",
    "load_run": "hepad.run.loading",
    "TrainingResult": "hepad.run.executing",
    "train": "hepad.run.training",
    "validate": "hepad.checks.combinations",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'hepad.run' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
