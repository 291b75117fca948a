"""What a run logged epoch by epoch, read back from its history.csv, and which of its epochs is the best."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read_history(run_dir: Path) -> dict[str, list[float]]:
    """Return column → one value per epoch of a run's history.csv, NaN where an epoch has none; empty without one."""
    path = run_dir / "history.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        columns: dict[str, list[float]] = {name: [] for name in reader.fieldnames or ()}
        for row in reader:
            for name in columns:
                columns[name].append(_number(row.get(name)))
    return columns


def best_row(config: Mapping[str, Any], columns: Mapping[str, Sequence[float]]) -> int | None:
    """Return the row of the epoch that the checkpoint `best` is of; None where nothing was logged.

    Args:
        config: of the run; its `callbacks.checkpoint` says what is watched.
        columns: of its history.csv.
    """
    callbacks = config.get("callbacks") or {}
    checkpoint = (callbacks.get("checkpoint") if isinstance(callbacks, Mapping) else None) or {}
    values = columns.get(checkpoint.get("monitor") or "val/loss", ())
    known = [row for row, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return None
    sign = -1 if checkpoint.get("mode") == "max" else 1
    return min(known, key=lambda row: sign * values[row])


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
