"""Content of a report, before it is a page."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from hepad.report.threshold_view import ThresholdView

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Interval:
    """A number with the low and high end of its uncertainty, and a mark such as `*` where it is significant.

    >>> from hepad.report import Interval
    >>> from hepad.report.formatting import format_cell
    >>> format_cell(Interval(0.871, 0.869, 0.873)), format_cell(Interval(0.98, 0.95, 0.99))
    ('0.8710(20)', '0.980 +0.010 −0.030')
    """

    value: float
    low: float
    high: float
    mark: str = ""


def interval(value: float | None, low: float | None, high: float | None, mark: str = "") -> "Cell":
    """A number with its uncertainty where both ends are known, alone where they are not, None where it is not known.

    >>> from hepad.report import interval
    >>> interval(0.871, 0.869, 0.873), interval(0.871, None, None)
    (Interval(value=0.871, low=0.869, high=0.873, mark=''), 0.871)
    """
    return value if value is None or low is None or high is None else Interval(value, low, high, mark)


@dataclass(frozen=True)
class Difference:
    """A difference with its standard error, and a mark such as `*` where it is significant.

    >>> from hepad.report import Difference
    >>> from hepad.report.formatting import format_cell
    >>> format_cell(Difference(0.031, 0.004, "*")), format_cell(Difference(-0.002, 0.004))
    ('+0.0310(40) *', '−0.0020(40)')
    """

    value: float
    error: float
    mark: str = ""


@dataclass(frozen=True)
class Link:
    """A text that leads to a file beside the page.

    Args:
        text: what is shown, and sorted by.
        path: the file, relative to the page.

    >>> from hepad.report import Link
    >>> from hepad.report.formatting import format_cell
    >>> format_cell(Link("vae", "../vae/report.html"))
    Markup('<a href="../vae/report.html">vae</a>')
    """

    text: str
    path: str


@dataclass(frozen=True)
class Named:
    """A number and what it belongs to, such as the AUC of the best trivial score with its name.

    >>> from hepad.report import Named
    >>> from hepad.report.formatting import format_cell
    >>> format_cell(Named(0.81, "Σ pT"))
    Markup('0.8100<br><small>Σ pT</small>')
    """

    value: float
    name: str


@dataclass(frozen=True)
class Setting:
    """The value of a setting in the words of the command line; one that is a number is set and sorted as such.

    >>> from hepad.report import Setting
    >>> from hepad.report.formatting import format_cell
    >>> format_cell(Setting("1e-3")), format_cell(0.001)
    ('1e-3', '0.00100')
    """

    text: str


Cell: TypeAlias = str | int | float | Interval | Difference | Named | Link | Setting | None


@dataclass(frozen=True)
class Table:
    """A table whose columns can be sorted.

    Args:
        header: column titles.
        rows: one cell per column; None shows as a dash and sorts last.
        caption: what the numbers are.
        winners: (row, column) of the cells that are shown as the best of what they compete with.

    >>> from hepad.report import Interval, Table
    >>> table = Table(["Signal", "AUC"], [["ttbar", Interval(0.871, 0.869, 0.873)], ["radion", None]], "AUC by signal.")
    >>> len(table.rows)
    2
    >>> Table(["Signal", "AUC"], [["ttbar"]], "Too short.")
    Traceback (most recent call last):
    ValueError: table 'Too short.': a row of 1 cells under 2 titles
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    winners: Collection[tuple[int, int]] = ()

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
        figures_first: figures stand before the tables.

    >>> from hepad.plots import figure_bytes, plot_learning_curves
    >>> from hepad.report import Section
    >>> png = figure_bytes(plot_learning_curves({"val/loss": [1.0, 0.5, 0.4]}))
    >>> Section("Training", figures=[("Loss per epoch.", png)], notes=["Stopped early."]).title
    'Training'
    """

    title: str
    figures: Sequence[tuple[str, bytes | str | os.PathLike[str]]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    figures_first: bool = False


Tone: TypeAlias = Literal["better", "mixed", "worse"]


@dataclass(frozen=True)
class Answer:
    """Answer of a report, before everything else.

    Args:
        headline: the answer in one line.
        tone: how good it is; it colours the block.
        sentences: the numbers behind it, one sentence each.
        table: the same for each case.
        further: what holds elsewhere, one sentence each, below the table.

    >>> from hepad.report import Answer, Report, render_report
    >>> answer = Answer("Better than the best trivial score on all 3 signals", "better")
    >>> '<p class="headline">Better than' in render_report(Report("dense_ae on jets", answer=answer))
    True
    """

    headline: str
    tone: Tone
    sentences: Sequence[str] = ()
    table: Table | None = None
    further: Sequence[str] = ()


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
        warnings: what a reader of the numbers must know, one sentence each.
        landscape: printed on the long side, for tables of many columns.
        answer: what is said before everything else; None for pages that ask no such question.
        thresholds: scores and ROC curves with a movable threshold; None for none.
        small_print: what changes no number, one sentence each: it stands at the end.

    >>> from hepad.report import Interval, Report, render_report
    >>> auc = Interval(0.871, 0.869, 0.873)
    >>> report = Report("dense_ae on jets", key_figures=[("AUC, ttbar", auc)], warnings=["Trained on 300 jets."])
    >>> "Trained on 300 jets." in render_report(report)
    True
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
    answer: Answer | None = None
    thresholds: ThresholdView | None = None
    small_print: Sequence[str] = ()


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
