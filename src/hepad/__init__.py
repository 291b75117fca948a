"""hepad: anomaly detection on collider jets, events and calorimeter images.

`hepad.load_run`, `hepad.load_pretrained`, `hepad.train` and `hepad.Detector` are imported on first use, so that
`import hepad` (and with it every command's `--help`) stays free of torch and scikit-learn. `hepad.train` is the module
of the command too, which can be called.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hepad.python import Detector, train
    from hepad.run import list_pretrained, load_pretrained, load_run

__all__ = ["Detector", "__version__", "list_pretrained", "load_pretrained", "load_run", "train"]

_HOMES = {
    "Detector": "hepad.python",
    "list_pretrained": "hepad.run",
    "load_pretrained": "hepad.run",
    "load_run": "hepad.run",
}


def __getattr__(name: str) -> Any:
    if name == "train":
        # The import system puts it here anyway, as soon as anybody imports it.
        return importlib.import_module("hepad.train")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hepad' has no attribute {name!r}")
