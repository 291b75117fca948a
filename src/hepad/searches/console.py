"""Terminal output of a finished search."""

from pathlib import Path
from typing import Final

from hepad.report import Cell, Setting, Table
from hepad.report.terminal import console_table, print_to_terminal
from hepad.searches.answer import answer, warnings
from hepad.searches.findings import best_finding, smallest_p, with_trusted_global
from hepad.searches.metrics import best_performance
from hepad.searches.page import PAGE
from hepad.searches.record import SearchRecord
from hepad.searches.tables import WINNER, brief_p, without_empty, z_cell

_LONGEST: Final = 11


def print_search(record: SearchRecord, directory: Path) -> None:
    """Print the table of methods, the answer, and where the page is.

    Args:
        record: what was found.
        directory: of the search, where its page was written.
    """
    notes = warnings(record)
    print_to_terminal(
        [console_table(search_table(record), f"Smallest local p-value of each method, {record.observable}")],
        [
            *(("answer", sentence) for sentence in answer(record)),
            *([("notes", f"{len(notes)}, at the top of the page")] if notes else []),
            ("search", str(directory)),
            ("page", str(directory / PAGE)),
        ],
    )


def search_table(record: SearchRecord) -> Table:
    """Return the table of methods as a terminal of 80 columns takes it."""
    best = best_finding(record)
    rows: list[list[Cell]] = []
    for method in (with_trusted_global(record, method) for method in record.methods):
        finding, twin, top = smallest_p(record, method), smallest_p(record, method.null), best_performance(method)
        name = _short(method.method)
        if finding is None:
            rows.append([name, "no result", *[None] * 5])
            continue
        rows.append(
            [
                f"{name} {WINNER}" if best is not None and best.method == method.method else name,
                f"{_short(finding.window.name)}, {_top(finding.cut.efficiency)}",
                brief_p(finding.p),
                z_cell(finding.z),
                None if method.p_global is None else brief_p(method.p_global),
                None if twin is None else brief_p(twin.p),
                None if top is None else Setting(f"{top.max_sic:.2f}"),
            ]
        )
    titles = ["Method", "Window, cut", "Local p", "Z", "Global p", "Null p", "Max SIC"]
    return without_empty(Table(titles, rows))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _top(efficiency: float) -> str:
    return "all" if efficiency == 1 else f"{100 * efficiency:.3g}%"
