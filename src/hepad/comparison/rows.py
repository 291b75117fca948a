"""Rows of runs side by side, and the tables made of them: all that a comparison asks of a run, whoever made it."""

import csv
import io
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from hepad.metrics import read_verdict
from hepad.metrics.trivial_groups import Pair, TrivialGroup, trivial_groups
from hepad.metrics.verdict import SIGNIFICANT, name_prefix
from hepad.plots.labels import SAMPLES
from hepad.report import Cell, Table, interval
from hepad.report.headline import trivial_cell

BETTER: Final = "Better than trivial"
BETTER_CAPTION: Final = (
    f"{BETTER}: on how many signals a run is better than the best score that needs no model (in brackets: "
    f"p < {SIGNIFICANT:g})."
)
_SHOWN: Final = 3


class Row(Protocol):
    """A run beside others.

    Attributes:
        name: no other run of them has it.
        settings: in which it differs from others, key → value as on the command line.
        background: the sample trained on.
        metrics: flat name → number.
    """

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, str]: ...
    @property
    def background(self) -> str | None: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


Run = TypeVar("Run", bound=Row)
Columns = dict[str, tuple[str, Callable[[Run], Cell]]]
"""Key → title of a column, and its cell for a run."""


def runs_table(rows: Sequence[Run], columns: Columns[Run], caption: str, below: Iterable[Mapping[str, Cell]] = ()) -> Table:
    """Return a table of a row for each run, and below them rows of what is no run.

    Args:
        rows: the runs in order.
        columns: what is told of each.
        caption: what the numbers are.
        below: key of a column → cell.
    """
    cells = [[cell(row) for _, cell in columns.values()] for row in rows]
    cells += [[other.get(key) for key in columns] for other in below]
    return Table([title for title, _ in columns.values()], cells, caption)


def auc_name(signal: str, reference: str, matched: bool = False) -> str:
    """Return the name of a metric: `test/auc/<signal>_vs_<reference>`, or its like at equal Σ pT."""
    return f"{name_prefix(matched)}auc/{signal}_vs_{reference}"


def pairs_against(names: Iterable[str], reference: str) -> list[Pair]:
    """Return the pairs with one reference whose AUC is among the names of metrics."""
    start, end = "test/auc/", f"_vs_{reference}"
    signals = {name[len(start) : -len(end)] for name in names if name.startswith(start) and name.endswith(end)}
    return [(signal, reference) for signal in in_order(signals) if "/" not in signal]


def in_order(samples: Collection[str]) -> list[str]:
    """Return known samples in the order of all figures, then the others by name."""
    return [name for name in SAMPLES if name in samples] + sorted(set(samples) - set(SAMPLES))


def finite(metrics: Mapping[str, float], name: str) -> float | None:
    """Return a metric; None where it is unknown or not a number."""
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def metric_cell(metrics: Mapping[str, float], name: str) -> Cell:
    """Return a metric with its interval, where it has one."""
    return interval(finite(metrics, name), metrics.get(f"{name}/low"), metrics.get(f"{name}/high"))


def better_column(
    rows: Sequence[Run], reference: Callable[[Run], str | None], matched: bool = False
) -> Columns[Run]:
    """Return a column of the verdicts on the runs; none where no run has one.

    Args:
        rows: all runs of the table.
        reference: what a run is judged against.
        matched: at equal Σ pT.
    """

    def told(row: Run) -> str | None:
        against = reference(row)
        return None if against is None else verdict_cell(row.metrics, against, matched)

    return {"verdict": (BETTER, told)} if any(map(told, rows)) else {}


def verdict_cell(metrics: Mapping[str, float], reference: str, matched: bool = False) -> str | None:
    """Return on how many signals a run is better than the best trivial score; None where that is not known."""
    found = read_verdict(metrics, reference, matched)
    return None if found is None else found.short


def trivial_rows(
    rows: Sequence[Row], pairs: Sequence[Pair], matched: bool = False, alone: bool = True
) -> list[tuple[str, TrivialGroup, dict[str, Cell]]]:
    """Return a title, the runs, and metric → AUC of the best trivial score by name, for runs that share those scores.

    Args:
        rows: the runs.
        pairs: (signal, reference) of the AUCs.
        matched: at equal Σ pT.
        alone: these are all runs, so that the title of a single group need not name them.
    """
    groups = trivial_groups({row.name: row.metrics for row in rows}, pairs, matched)
    found = []
    for group in groups:
        more = f" and {len(group.runs) - _SHOWN} more" if len(group.runs) > _SHOWN else ""
        whose = "" if alone and len(groups) == 1 else f" of {', '.join(group.runs[:_SHOWN])}{more}"
        cells = {auc_name(*pair, matched): trivial_cell(group.best[pair]) for pair in pairs if pair in group.best}
        found.append((f"best trivial score{whose}", group, cells))
    return found


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows, which all have the keys of the first, as CSV with a header; numbers in full, nothing for None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
