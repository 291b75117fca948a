"""What a report holds, before it is a page."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Interval:
    """A number with the low and high end of its uncertainty."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A difference with its standard error, and a mark such as `*` where it is significant."""

    value: float
    error: float
    mark: str = ""


@dataclass(frozen=True)
class Link:
    """A text that leads to a file beside the page.

    Args:
        text: what is shown, and sorted by.
        path: the file, relative to the page.
    """

    text: str
    path: str


@dataclass(frozen=True)
class Named:
    """A number and what it belongs to, such as the AUC of the best trivial score with its name."""

    value: float
    name: str


@dataclass(frozen=True)
class Setting:
    """The value of a setting in the words of the command line; one that is a number is set and sorted as such."""

    text: str


Cell: TypeAlias = str | int | float | Interval | Difference | Named | Link | Setting | None


@dataclass(frozen=True)
class Table:
    """A table whose columns can be sorted.

    Args:
        header: column titles.
        rows: one cell per column; None shows as a dash and sorts last.
        caption: what the numbers are.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"table {self.caption!r}: a row of {len(row)} cells under {len(self.header)} titles")


@dataclass(frozen=True)
class Section:
    """A titled part of the report: notes, then tables, then figures.

    Args:
        title: the heading.
        figures: (caption, PNG as bytes or as a path).
        tables: tables.
        notes: paragraphs of plain text.
    """

    title: str
    figures: Sequence[tuple[str, bytes | str | os.PathLike[str]]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """All of a report.

    Args:
        title: the page's heading.
        subtitle: one line below it, such as the model and the data.
        key_figures: (what it is, value) of the few numbers a reader looks for first.
        verdicts: what the numbers say, one sentence each, shown before all tables.
        summary: tables shown before everything else.
        sections: the rest, in order.
        config: the run's config as YAML.
        provenance: nested mapping of versions, seeds and hashes.
        warnings: what a reader of the numbers should know, one sentence each.
        landscape: printed on the long side, for tables of many columns.
    """

    title: str
    subtitle: str = ""
    key_figures: Sequence[tuple[str, Cell]] = ()
    verdicts: Sequence[str] = ()
    summary: Sequence[Table] = ()
    sections: Sequence[Section] = ()
    config: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    landscape: bool = False


def read_png(figure: bytes | str | os.PathLike[str]) -> bytes:
    """The bytes of a picture given as such or as a path.

    Raises:
        ValueError: not a PNG.
        OSError: the file cannot be read.
    """
    content = figure if isinstance(figure, bytes) else Path(figure).read_bytes()
    if not content.startswith(_PNG):
        name = "a figure" if isinstance(figure, bytes) else os.fspath(figure)
        raise ValueError(f"{name} is not a PNG picture")
    return content
