"""hepad: anomaly detection on collider jets, events and calorimeter images.

`hepad.load_run` is imported on first use, so that `import hepad` (and with it every command's `--help`) stays
free of torch.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hepad.run import load_run

__all__ = ["__version__", "load_run"]


def __getattr__(name: str) -> Any:
    if name == "load_run":
        from hepad.run import load_run

        return load_run
    raise AttributeError(f"module 'hepad' has no attribute {name!r}")
