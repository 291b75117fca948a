"""The runs of a comparison beside scores that need no model."""

from collections.abc import Mapping

from hepad.comparison.compare import Comparison
from hepad.metrics import pair_result, read_verdict, trivial_title
from hepad.metrics.matching import MIN_EFFECTIVE
from hepad.metrics.trivial_groups import TrivialGroup, trivial_groups
from hepad.report import Cell, Table
from hepad.report.headline import auc_cell, trivial_cell

BEST = "Best trivial score"
_SHOWN = 3


def groups_of(comparison: Comparison, reference: str, matched: bool = False) -> list[TrivialGroup]:
    """Return the runs by their trivial scores against one reference."""
    pairs = [(signal, reference) for signal in comparison.signals(reference)]
    return trivial_groups({run: record.metrics for run, record in comparison.records.items()}, pairs, matched)


def group_title(group: TrivialGroup, alone: bool) -> str:
    """Return what the best trivial score of a group is called; with the runs unless it is the only group."""
    if alone:
        return BEST
    more = len(group.runs) - _SHOWN
    return f"{BEST} of {', '.join(group.runs[:_SHOWN])}{f' and {more} more' if more > 0 else ''}"


def trivial_rows(comparison: Comparison, reference: str, matched: bool = False) -> list[list[Cell]]:
    """Return the best trivial score by name, for each group of runs; of a single group also every other one.

    Cells are: what it is, mean, verdict (none), one for each signal.
    """
    signals, groups = comparison.signals(reference), groups_of(comparison, reference, matched)
    averaged = [(signal, reference) for signal in comparison.averaged(reference)]
    rows: list[list[Cell]] = []
    for group in groups:
        best = (group.best.get((signal, reference)) for signal in signals)
        cells = [None if found is None else trivial_cell(found) for found in best]
        rows.append([group_title(group, len(groups) == 1), group.mean_best(averaged), None, *cells])
    if len(groups) == 1:
        for name in groups[0].names:
            title = trivial_title(name)
            values = [groups[0].aucs[signal, reference].get(name) for signal in signals]
            rows.append([f"{title[0].upper()}{title[1:]} alone", None, None, *values])
    return rows


def verdict_cell(metrics: Mapping[str, float], reference: str, matched: bool = False) -> str | None:
    """Return on how many signals a run is better than the best trivial score; None where that is not known."""
    found = read_verdict(metrics, reference, matched)
    return None if found is None else found.short


def matched_table(comparison: Comparison, reference: str) -> Table | None:
    """AUC of every run at equal Σ pT, trivial scores below; None where no run has any."""
    signals = comparison.signals(reference)
    rows: list[list[Cell]] = []
    for run in comparison.ranked(reference):
        metrics = comparison.records[run].metrics
        found = [pair_result(metrics, signal, reference, matched=True) for signal in signals]
        if any(found):
            cells = [None if pair is None else auc_cell(pair) for pair in found]
            rows.append([run, verdict_cell(metrics, reference, matched=True), *cells])
    if not rows:
        return None
    rows += [[row[0], *row[2:]] for row in trivial_rows(comparison, reference, matched=True)]
    return Table(
        ["Run", "Better than trivial", *signals],
        rows,
        f"AUC against {reference} at equal Σ pT, where loudness cannot win, with its 68% interval; runs in the same "
        f"order, trivial scores below. A dash where fewer than {MIN_EFFECTIVE} effective entries are left on a side, "
        "or Σ pT still tells the two apart.",
    )
