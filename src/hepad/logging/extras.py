"""Packages that loggers need beside hepad's own: a missing one is named before torch is imported."""

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from hepad.core.errors import UserError

_PACKAGES: Final = {
    "tensorboard_logger": ("tensorboard", "tensorboard"),
    "mlflow_logger": ("mlflow", "mlflow"),
    "comet_logger": ("comet", "comet_ml"),
    "trackio_logger": ("trackio", "trackio"),
}
"""Function that builds a logger → the extra of hepad, and the package that it installs."""


def require_extras(loggers: Iterable[Mapping[str, Any] | None]) -> None:
    """Raise `UserError` with the command that installs it, where a logger's package is missing.

    Args:
        loggers: their configs.

    >>> from hepad.logging.extras import require_extras
    >>> require_extras([{"_target_": "hepad.logging.loggers.tensorboard_logger"}, None])
    """
    for logger in loggers:
        found = _PACKAGES.get(str((logger or {}).get("_target_")).rpartition(".")[2])
        if found is not None and find_spec(found[1]) is None:
            raise UserError(f'logger={found[0]} needs {found[1]}: pip install "hepad[{found[0]}]"')
