"""Rows of runs side by side, and the tables made of them; a comparison and a sweep have the same."""

import csv
import io
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from hepad.metrics.verdict import name_prefix
from hepad.plots.labels import SAMPLES
from hepad.report import Cell, Table, best_cells, interval
from hepad.rundir.record import RunRecord

Pair: TypeAlias = tuple[str, str]
"""Signal and reference of an AUC."""


@dataclass(frozen=True)
class Row:
    """One run among others.

    Args:
        name: no other run of them has it.
        settings: in which it differs from others, key → value as on the command line.
        status: `finished`, `failed`, `refused`, `running`, `interrupted` or `not started`.
        reason: why it did not finish, or is not compared.
        run_dir: the run's directory; None where there is none.
        metrics: flat name → number.
        seconds: wall time of the run.
        parameters: of the model.
        epochs: trained.
        best_epoch: of the checkpoint.
        background: the sample trained on.
    """

    name: str
    settings: Mapping[str, str]
    status: str
    reason: str = ""
    run_dir: Path | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    background: str | None = None

    def value(self, metric: str) -> float | None:
        """A metric, None where it is unknown or not a number."""
        number = self.metrics.get(metric)
        return number if number is not None and math.isfinite(number) else None


def row_of(name: str, settings: Mapping[str, str], record: RunRecord) -> Row:
    """Return the row of a run, as its files tell."""
    return Row(
        name,
        settings,
        record.status,
        record.reason or "",
        record.directory,
        record.metrics,
        round(sum(record.seconds.values()), 3) if record.seconds else None,
        record.parameters,
        record.epochs,
        background=record.background,
    )


Columns: TypeAlias = dict[str, tuple[str, Callable[[Row], Cell]]]
"""Key → title of a column, and its cell for a run."""

NAME: Final[Columns] = {"name": ("Run", lambda row: row.name)}


def runs_table(
    rows: Iterable[Row],
    columns: Columns,
    caption: str,
    below: Iterable[Mapping[str, Cell]] = (),
    highest: Collection[str] = (),
    lowest: Collection[str] = (),
) -> Table:
    """Return a table of a row for each run, and below them rows of what is no run.

    Args:
        rows: the runs in order.
        columns: what is told of each.
        caption: what the numbers are.
        below: key of a column → cell.
        highest: keys of columns in which the run with the largest number is marked.
        lowest: the same for the smallest number.
    """
    cells = [[cell(row) for _, cell in columns.values()] for row in rows]
    runs, keys = len(cells), list(columns)
    cells += [[other.get(key) for key in columns] for other in below]
    winners = {
        place
        for names, smallest in ((highest, False), (lowest, True))
        for place in best_cells(cells, [keys.index(key) for key in names if key in columns], "column", runs, smallest)
    }
    return Table([title for title, _ in columns.values()], cells, caption, winners)


def number_columns(titles: Mapping[str, str]) -> Columns:
    """Return a column for each metric, name → title; its cells have an interval where the metric has one."""

    def column(name: str) -> Callable[[Row], Cell]:
        return lambda row: interval(row.value(name), row.value(f"{name}/low"), row.value(f"{name}/high"))

    return {name: (title, column(name)) for name, title in titles.items()}


def reason_table(rows: Iterable[Row], caption: str) -> Table:
    """Return a table of runs that did not finish, or could not be compared, and why."""
    return runs_table(
        rows,
        NAME | {"status": ("Status", lambda row: row.status), "reason": ("Reason", lambda row: row.reason or None)},
        caption,
    )


def auc_name(signal: str, reference: str, matched: bool = False) -> str:
    """Return the name of a metric: `test/auc/<signal>_vs_<reference>`, or its like at equal loudness."""
    return f"{name_prefix(matched)}auc/{signal}_vs_{reference}"


def pairs_against(rows: Iterable[Row], reference: str) -> list[Pair]:
    """Return the pairs with one reference for which any run has an AUC."""
    start, end = "test/auc/", f"_vs_{reference}"
    names = {name for row in rows for name in row.metrics if name.startswith(start) and name.endswith(end)}
    signals = in_order({name[len(start) : -len(end)] for name in names})
    return [(signal, reference) for signal in signals if "/" not in signal]


def in_order(samples: Collection[str]) -> list[str]:
    """Return known samples in the order of all figures, then the others by name."""
    return [name for name in SAMPLES if name in samples] + sorted(set(samples) - set(SAMPLES))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows, which all have the keys of the first, as CSV with a header; numbers in full, nothing for None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
