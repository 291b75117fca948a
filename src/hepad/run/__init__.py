"""Composing a run from a config, training it, loading one back.

Each name is imported on first use, so that what only reads directories (`hepad.comparison`) stays free of torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepad.checks.combinations import validate
    from hepad.run.executing import TrainingResult
    from hepad.run.loading import Run, load_run
    from hepad.run.pretrained import load_pretrained
    from hepad.run.training import train
    from hepad.rundir.pretrained import list_pretrained

__all__ = ["Run", "TrainingResult", "list_pretrained", "load_pretrained", "load_run", "train", "validate"]

_MODULES = {
    "Run": "hepad.run.loading",
    "load_run": "hepad.run.loading",
    "load_pretrained": "hepad.run.pretrained",
    "list_pretrained": "hepad.rundir.pretrained",
    "TrainingResult": "hepad.run.executing",
    "train": "hepad.run.training",
    "validate": "hepad.checks.combinations",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'hepad.run' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
