"""Text tables: a line for a row, numbers between commas, semicolons, tabs or blanks, with names in the first or not."""

import warnings
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.source import Column, Source

_LINES_PER_MARK: Final = 8192
_BLOCK: Final = 1 << 22
_LONGEST_LINE: Final = 1 << 20
_SEPARATORS: Final = (",", ";", "\t")


class CsvSource(Source):
    """The columns of a text file, float64.

    The names stand in the first line, behind a `#` or not, where that holds anything but numbers; else they are
    `column_0`, `column_1`, …, or `given`.

    Args:
        path: a text file.
        given: names of the columns of a file that does not name them.

    Raises:
        UserError: no text, no rows, or a first row of another length than the names.
    """

    reader: ClassVar[str] = "csv"

    def __init__(self, path: Path, given: Sequence[str] | None = None) -> None:
        self.path = path
        with path.open("rb") as file:
            first = file.readline(_LONGEST_LINE + 1)
            second = file.readline(_LONGEST_LINE + 1)
        if max(len(first), len(second)) > _LONGEST_LINE or b"\0" in first + second:
            raise UserError(
                f"cannot read {path}: no table of text (a line of more than {_LONGEST_LINE:,} bytes, or zeros)"
            )
        try:
            # Tabs at the ends are empty cells.
            line, row = first.decode("utf-8-sig").strip(" \r\n"), second.decode("utf-8").strip(" \r\n")
        except UnicodeDecodeError as error:
            raise UserError(f"cannot read {path}: it is no text (UTF-8)") from error
        self._separator = next((mark for mark in _SEPARATORS if mark in line), None)
        words = [word.strip().strip('"') for word in line.lstrip("#").split(self._separator)]
        self._has_names = not all(map(_is_number, words))
        row = row if self._has_names else line
        if not row or not words[0]:
            raise UserError(f"{path} holds no rows of numbers")
        width = len(row.split(self._separator))
        if self._has_names and width != len(words):
            raise UserError(f"{path} names {len(words)} columns, its first row has {width}")
        if given is not None and len(given) != width:
            raise UserError(f"{path} has {width} columns, {len(given)} are named")
        names = list(given) if given is not None else words if self._has_names else None
        self._names = names or [f"column_{i}" for i in range(width)]
        if twice := next((name for name in self._names if self._names.count(name) > 1), None):
            raise UserError(f"{path} names two columns {twice!r}; give each a name of its own")
        self._marks, n_rows = self._counted()
        self.columns = {name: Column(n_rows, (), "number") for name in self._names}

    @property
    def kind(self) -> str:
        """The kind of file."""
        return "text table"

    def _counted(self) -> tuple[list[int], int]:
        """Return where every so many lines of rows begin, and how many rows there are."""
        marks: list[int] = []
        n_lines, at = 0, 0
        ended = True
        with self.path.open("rb") as file:
            if self._has_names:
                at = len(file.readline())
            marks.append(at)
            while block := file.read(_BLOCK):
                ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
                wanted = np.arange(-(n_lines % _LINES_PER_MARK), len(ends) + 1, _LINES_PER_MARK)
                marks += [at + int(ends[i - 1]) + 1 for i in wanted if 0 < i <= len(ends)]
                n_lines += len(ends)
                at += len(block)
                ended = block.endswith(b"\n")
        return marks, n_lines + (not ended)

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return columns of some rows."""
        table = self._table(start, stop)
        return {name: table[:, self._names.index(name)] for name in names}

    def _table(self, start: int, stop: int) -> NDArray[np.float64]:
        if start >= stop:
            return np.empty((0, len(self._names)))
        try:
            table = self._parsed(start, stop)
        except (ValueError, UnicodeDecodeError, IndexError) as error:
            said = str(error).partition(";")[0]
            raise UserError(
                f"cannot read {self.path}: {said} (counted from row {start}); numbers are needed"
            ) from error
        if table.shape != (stop - start, len(self._names)):
            raise UserError(
                f"cannot read {self.path}: rows {start} to {stop} are a table of {table.shape}, "
                f"{(stop - start, len(self._names))} is needed; are there empty lines?"
            )
        return table

    def _parsed(self, start: int, stop: int) -> NDArray[np.float64]:
        try:
            return self._loaded(start, stop, lambda line: line)
        except ValueError as error:
            # Looked for once there are any: most files have no empty cell.
            if "string ''" not in str(error) or self._separator is None:
                raise
            return self._loaded(start, stop, partial(_fill_cells, separator=self._separator.encode()))

    def _loaded(self, start: int, stop: int, mend: Callable[[bytes], bytes]) -> NDArray[np.float64]:
        mark = start // _LINES_PER_MARK
        with self.path.open("rb") as file, warnings.catch_warnings():
            file.seek(self._marks[mark])
            for _ in range(start - mark * _LINES_PER_MARK):
                file.readline()
            # NumPy warns where it finds no line; the caller tells that.
            warnings.simplefilter("ignore")
            lines = (mend(line) for line in (next(file, b"") for _ in range(stop - start)) if line)
            return np.loadtxt(lines, delimiter=self._separator, ndmin=2, encoding="utf-8", comments=None)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _fill_cells(line: bytes, separator: bytes) -> bytes:
    """Write NaN into empty cells, as which pandas and others write it; a line without any cell stays empty."""
    return separator.join(cell if cell.strip() else b"nan" for cell in line.split(separator)) if line.strip() else line
