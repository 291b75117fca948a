"""Tables of a report on a terminal."""

import sys
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
        cells = [row[i] for row in table.rows]
        shown.add_column(
            escape(name),
            justify="right" if any(map(is_numeric, cells)) else "left",
            no_wrap=not any(" " in plain_text(cell) for cell in cells),
            overflow="fold",
        )
    for number, row in enumerate(table.rows, start=1):
        shown.add_row(*(escape(plain_text(cell)) for cell in row), end_section=number == runs)
    return shown


def print_to_terminal(tables: Iterable[ConsoleTable], lines: Iterable[tuple[str, str]]) -> None:
    """Print tables, then lines that begin with a word.

    A log has no width, so there a table is as wide as it is. On a terminal its cells wrap, but only between words: a
    number that is cut or broken could not be read.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDEST)
    wide = Console(highlight=False, width=_WIDEST)
    for table in tables:
        narrowest = wide.measure(table).minimum
        (console if narrowest <= console.width else wide).print(table)
    for word, text in lines:
        console.print(f"{word:8}{text}" if len(word) < 8 else f"{word} {text}", markup=False, soft_wrap=True)
