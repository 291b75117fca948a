"""W&B imported before torch, which is a matter of seconds."""

import os
from collections.abc import Mapping
from typing import Any

_NEEDED_TO_START = "wandb.sdk.launch.inputs.internal"


def import_wandb_first(loggers: Mapping[str, Any]) -> None:
    """Import what `wandb.init` needs, where one of a config's loggers is W&B; call it before torch is imported.

    Its models are built by pydantic, which asks `inspect.getmodule` for the module of each frame, and that looks
    through all modules that there are: 0.3 s without those of torch, 4 s with them.

    Args:
        loggers: name → its config, the section `logger`.
    """
    modes = {
        os.environ.get("WANDB_MODE") or logger.get("mode")
        for logger in loggers.values()
        if logger and str(logger.get("_target_")).endswith(".wandb_logger")
    }
    if modes - {"disabled"}:
        __import__(_NEEDED_TO_START)
