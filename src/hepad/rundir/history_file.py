"""history.csv: what a run logged epoch by epoch."""

import csv
import io
import math
import os
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.rundir.parsing import first_line, read_text

HISTORY: Final = "history.csv"
_BYTES: Final = 16 << 20
_COLUMNS: Final = 2_000
_NUMBERS: Final = 2_000_000
_NAME: Final = 200


def read_history(run_dir: Path) -> dict[str, list[float]]:
    """Return column → one value per epoch of a run's history.csv, NaN where an epoch has none; empty without one.

    Raises:
        UserError: the file is not text, or larger in any direction than a training makes it.
    """
    path = run_dir / HISTORY
    if not os.path.lexists(path):
        return {}
    rows = csv.reader(io.StringIO(read_text(path, _BYTES), newline=""))
    try:
        names = next(rows, [])
        _check_names(names, path)
        columns: dict[str, list[float]] = {name: [] for name in names}
        for count, row in enumerate(rows, start=1):
            if count * max(1, len(columns)) > _NUMBERS:
                raise UserError(f"{path} holds more than {_NUMBERS:,} numbers; it is not from a run")
            if not row:
                continue
            for i, values in enumerate(columns.values()):
                values.append(_number(row[i]) if i < len(row) else math.nan)
    except csv.Error as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    return columns


def read_columns(run_dir: Path) -> list[str]:
    """Return the names of the columns of a run's history.csv; `UserError` as for `read_history`."""
    return list(read_history(run_dir))


def _check_names(names: list[str], path: Path) -> None:
    if len(names) > _COLUMNS:
        raise UserError(f"{path} has {len(names):,} columns; it is not from a run")
    if len(set(names)) < len(names):
        raise UserError(f"{path} names a column twice")
    if any(len(name) > _NAME for name in names):
        raise UserError(f"{path} has a column whose name is longer than {_NAME} characters")


def _number(text: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
