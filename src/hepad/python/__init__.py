"""hepad in Python: training in one call, and scikit-learn's interface for outlier detectors.

Each name is imported on first use, so that neither torch nor scikit-learn is read before it is needed.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hepad.python.detector import Detector
    from hepad.python.training import train

__all__ = ["Detector", "train"]

_MODULES = {"Detector": "hepad.python.detector", "train": "hepad.python.training"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'hepad.python' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
