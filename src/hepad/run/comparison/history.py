"""The learning curves that a run left."""

import csv
import math
from pathlib import Path


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


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
