"""Terminal output of a comparison of runs."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hepad.comparison.compare import Comparison
from hepad.comparison.seeds import spreads_beside
from hepad.comparison.trivial import group_title, groups_of, verdict_cell
from hepad.metrics import PairResult, trivial_title
from hepad.metrics.verdict import SIGNIFICANT
from hepad.report.formatting import with_uncertainty

_LOG_WIDTH = 200


def print_comparison(comparison: Comparison, page: Path) -> None:
    """Print the table of AUCs against the first reference, what is not shared, and the path of the page."""
    # A log has no width; a table squeezed into a guess is of no use.
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _LOG_WIDTH)
    console.print(comparison_table(comparison))
    averaged = comparison.averaged(comparison.references[0])
    console.print(f"mean    over {', '.join(averaged)}", markup=False)
    console.print("better  than the best trivial score, on how many signals (significantly)", markup=False)
    console.print(
        f"* differs from {comparison.baseline}: p < {SIGNIFICANT:g} after Holm's correction for all differences",
        markup=False,
    )
    for note in comparison.notes:
        console.print(f"note    {note}", markup=False)
    for out in comparison.left_out:
        console.print(f"left out {out.reason}", markup=False)
    console.print(f"page    {page}", markup=False)


def comparison_table(comparison: Comparison) -> Table:
    """Return AUC of every run (rows, best mean first) and of the best trivial score, against the first reference."""
    reference = comparison.references[0]
    signals = comparison.signals(reference)
    table = Table(title=f"AUC vs {reference} with its 68% interval in brackets", title_justify="left")
    for title in ("run", "mean", "better than trivial", *signals):
        table.add_column(title, justify="left" if title == "run" else "right", no_wrap=True)
    for run in comparison.ranked(reference):
        mean = comparison.mean_auc(run, reference)
        cells = [_cell(comparison, run, signal, reference) for signal in signals]
        verdict = verdict_cell(comparison.records[run].metrics, reference)
        table.add_row(run, "" if mean is None else f"{mean:.4f}", verdict or "", *cells)
    for title, values in spreads_beside(comparison, reference).items():
        table.add_row(title, "", "", *("" if value is None else f"{value:.4f} " for value in values))
    groups = groups_of(comparison, reference)
    table.add_section()
    for group in groups:
        mean = group.mean_best([(signal, reference) for signal in comparison.averaged(reference)])
        best = [group.best.get((signal, reference)) for signal in signals]
        title = group_title(group, len(groups) == 1).lower()
        table.add_row(title, "" if mean is None else f"{mean:.4f}", "", *map(_trivial, best))
    return table


def _trivial(found: PairResult | None) -> str:
    if found is None or found.trivial is None:
        return ""
    return f"{trivial_title(found.trivial)} {found.trivial_auc:.4f} "


def _cell(comparison: Comparison, run: str, signal: str, reference: str) -> str:
    pair_auc = comparison.pair_auc(run, signal, reference)
    if pair_auc is None:
        return ""
    mark = "*" if pair_auc.p_holm is not None and pair_auc.p_holm < SIGNIFICANT else " "
    return with_uncertainty(pair_auc.auc, pair_auc.low, pair_auc.high) + mark
