"""Tables of a report on a terminal."""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Column
from rich.table import Table as ConsoleTable

from hepad.report.content import Table
from hepad.report.formatting import is_numeric, plain_text

_WIDEST: Final = 1000
_FRAME: Final = 3
"""Characters of a column beside its cells: a line and two blanks."""
_WHOLE: Final = 12
"""Characters of a cell that is not wrapped: a number and what belongs to it."""
_COPIED: Final = ("run", "report", "card", "table", "upload", "compare", "best")
"""Words whose lines are paths or commands: a line break in them would be copied too."""


def console_table(table: Table, title: str, runs: int | None = None) -> ConsoleTable:
    """Return a table as rich prints it; its cells wrap between words, and no word is broken.

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
        texts = [plain_text(cell) for cell in cells]
        words = [word for text in (*name.split(), *texts) for word in _unbroken(text)]
        shown.add_column(
            escape(name),
            justify="right" if any(map(is_numeric, cells)) else "left",
            min_width=max(map(cell_len, words), default=0),
            overflow="fold",
        )
    for number, row in enumerate(table.rows, start=1):
        shown.add_row(*(escape(plain_text(cell)) for cell in row), end_section=number == runs)
    return shown


def _unbroken(text: str) -> list[str]:
    return [text] if len(text) <= _WHOLE else text.split()


def print_to_terminal(tables: Iterable[ConsoleTable], lines: Iterable[tuple[str, str]]) -> None:
    """Print tables, then lines that begin with a word.

    A log has no width, so there a table is as wide as it is. On a terminal cells and sentences wrap between words: a
    number that is cut or broken could not be read. A table that is still too wide goes on below, with the columns that
    tell its rows apart once more.
    """
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else _WIDEST)
    wide = Console(highlight=False, width=_WIDEST)
    for table in tables:
        for part in fitting_parts(table, console.width):
            (console if _least(part) <= console.width else wide).print(part)
    for word, text in lines:
        begun = f"{word:8}" if len(word) < 8 else f"{word} "
        whole = f"{begun}{text}"
        if terminal and word not in _COPIED:
            whole = textwrap.fill(
                whole, console.width, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False
            )
        console.print(whole, markup=False, soft_wrap=True)


def fitting_parts(table: ConsoleTable, width: int) -> list[ConsoleTable]:
    """Return a table in parts that are `width` characters wide at most, where its words allow it."""
    if sum(_natural(column) + _FRAME for column in table.columns) + 1 <= width:
        return [table]
    labels = _labels(table)
    named = [table.columns[i] for i in labels]
    if _least(table) > width and sum(map(_natural, named)) <= width // 2:
        # In several parts there is room for them.
        for column in named:
            column.min_width = _natural(column)
    parts: list[list[int]] = []
    for i in (i for i in range(len(table.columns)) if i not in labels):
        if parts and _least(_columns(table, [*labels, *parts[-1], i])) <= width:
            parts[-1].append(i)
        else:
            parts.append([i])
    shown = [_columns(table, [*labels, *part]) for part in parts or [[]]]
    shown[0].title = table.title
    for part in shown:
        _share_out(part, width)
    return shown


def _least(table: ConsoleTable) -> int:
    """Return how wide a table is at least, in characters."""
    return sum((column.width or column.min_width or 0) + _FRAME for column in table.columns) + 1


def _natural(column: Column) -> int:
    return max(cell_len(str(cell)) for cell in (column.header, *column.cells))


def _share_out(table: ConsoleTable, width: int) -> None:
    """Give each column the width of its longest word, and what is left to the first ones that would wrap.

    Rich takes from all of them alike, and breaks words while others have room.
    """
    spare = max(0, width - _least(table))
    for column in table.columns:
        least = column.min_width or 0
        column.width = least + min(spare, _natural(column) - least)
        spare -= column.width - least


def _labels(table: ConsoleTable) -> list[int]:
    """Return the first columns, as many as it takes to tell the rows apart; no row is without a word in them."""
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    for n in range(1, len(cells)):
        rows = list(zip(*cells[:n], strict=True))
        if len(set(rows)) == len(rows) and all(any(row) for row in rows):
            return list(range(n))
    return [0]


def _columns(table: ConsoleTable, kept: Sequence[int]) -> ConsoleTable:
    """Return a table of some columns, without its title."""
    part = ConsoleTable(title_justify="left")
    for column in (table.columns[i] for i in kept):
        part.add_column(column.header, justify=column.justify, min_width=column.min_width, overflow=column.overflow)
    cells = [list(table.columns[i].cells) for i in kept]
    for n, row in enumerate(table.rows):
        part.add_row(*(column[n] for column in cells), end_section=row.end_section)
    return part
