"""The best epoch of a run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def best_row(config: Mapping[str, Any], columns: Mapping[str, Sequence[float]]) -> int | None:
    """Return the row of the epoch that the checkpoint `best` is of; None where nothing was logged.

    Args:
        config: of the run; its `callbacks.checkpoint` says what is watched.
        columns: of its history.csv.
    """
    callbacks = config.get("callbacks") or {}
    checkpoint = (callbacks.get("checkpoint") if isinstance(callbacks, Mapping) else None) or {}
    values = columns.get(str(checkpoint.get("monitor") or "val/loss"), ())
    known = [row for row, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return None
    sign = -1 if checkpoint.get("mode") == "max" else 1
    return min(known, key=lambda row: sign * values[row])
