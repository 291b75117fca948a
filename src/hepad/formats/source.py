"""Contract of whatever columns are read from: a file of any format, opened once, read in ranges of rows."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hepad.core.errors import UserError
from hepad.core.remote import InputFile


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes:
        rows: how many there are.
        shape: of one row, `()` for a number; None where rows have lists of differing length.
        type: of the numbers, in words.
    """

    rows: int
    shape: tuple[int, ...] | None
    type: str

    @property
    def described(self) -> str:
        """Shape and type: `(1000, 4) float32`, `(1000, jagged) float`."""
        axes = ("jagged",) if self.shape is None else self.shape
        return f"({', '.join(str(n) for n in (self.rows, *axes))}{',' if not axes else ''}) {self.type}"


class Source(ABC):
    """An open file.

    Attributes:
        reader: which kind of file this class reads: `root`, `hdf5`, `numpy`, `csv`, `parquet`, `darkmachines`.
        path: the file.
        columns: name → what it is.
        version: of the layout, in words, where the file says it.
    """

    reader: ClassVar[str]
    path: InputFile
    columns: Mapping[str, Column]
    version: str = ""

    @property
    def kind(self) -> str:
        """The kind of file in words, for people."""
        return self.reader

    @abstractmethod
    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return name → array of the rows from `start` to `stop`: NumPy `(n, …)`, or Awkward where it is jagged.

        Raises:
            UserError: the file is damaged.
        """

    def close(self) -> None:  # noqa: B027
        """Close the file; nothing is to be done where it is not held open."""

    def n_rows(self, names: Sequence[str]) -> int:
        """Return how many rows columns have; raise `UserError` where they differ in it."""
        rows = {name: self.columns[name].rows for name in names}
        if len(set(rows.values())) > 1:
            longest, shortest = max(rows, key=lambda n: rows[n]), min(rows, key=lambda n: rows[n])
            raise UserError(
                f"{self.path}: {longest} has {rows[longest]} rows, {shortest} has {rows[shortest]}; "
                "columns of one length are needed"
            )
        return next(iter(rows.values()), 0)

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:
        """Return rows at which reading may begin without unpacking anything twice; empty where all are alike."""
        return ()

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def step_edges(n_rows: int, rows_per_step: int, boundaries: Sequence[int]) -> list[int]:
    """Return the edges of the steps in which rows are read, of about `rows_per_step` rows each.

    They depend on the file and the step alone, so that whoever goes on with a conversion makes the same ones.

    >>> from hepad.formats.source import step_edges
    >>> step_edges(10, 4, ())
    [0, 4, 8, 10]
    >>> step_edges(10, 4, (0, 3, 6, 9, 10))
    [0, 3, 6, 10]
    """
    allowed = [edge for edge in boundaries if 0 < edge < n_rows]
    edges, at = [0], 0
    while at < n_rows:
        limit = at + rows_per_step
        inside = [edge for edge in allowed if at < edge <= limit]
        at = min(inside[-1] if inside and limit < n_rows else limit, n_rows)
        edges.append(at)
    return edges
