"""Tables of a report on a terminal."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as ConsoleTable

from hepad.report.content import Table
from hepad.report.formatting import is_numeric, plain_text

_WIDEST: Final = 1000


def console_table(table: Table, title: str, runs: int | None = None) -> ConsoleTable:
    """Return a table as rich prints it.

    Args:
        table: of a page; its caption stays there.
        title: what stands above.
        runs: rows above a line, below which stands what is no run; None for no line.

    >>> from hepad.report import Interval, Named, Table
    >>> from hepad.report.terminal import console_table
    >>> table = Table(["Run", "ttbar"], [["vae", Interval(0.871, 0.869, 0.873)], ["trivial", Named(0.81, "Σ pT")]])
    >>> list(console_table(table, "AUC").columns[1].cells)
    ['0.8710(20)', 'Σ pT 0.8100']
    """
    shown = ConsoleTable(title=escape(title), title_justify="left")
    for i, name in enumerate(table.header):
        numeric = any(is_numeric(row[i]) for row in table.rows)
        shown.add_column(escape(name), justify="right" if numeric else "left", no_wrap=True)
    for number, row in enumerate(table.rows, start=1):
        shown.add_row(*(escape(plain_text(cell)) for cell in row), end_section=number == runs)
    return shown


def print_to_terminal(tables: Iterable[ConsoleTable], lines: Iterable[tuple[str, str]]) -> None:
    """Print tables as wide as they are, then lines that begin with a word; a cell that is cut could not be read."""
    console = Console(highlight=False, width=_WIDEST)
    for table in tables:
        console.print(table)
    for word, text in lines:
        console.print(f"{word:8}{text}" if len(word) < 8 else f"{word} {text}", markup=False, soft_wrap=True)
