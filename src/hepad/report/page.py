"""The report as one HTML file that needs nothing else: no network, no other files."""

import base64
import hashlib
import os
import struct
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hepad import __version__
from hepad.core.files import atomic_write_text
from hepad.report.content import Report, Table, read_png
from hepad.report.formatting import flatten, format_cell, is_numeric, sort_key
from hepad.report.threshold_svg import as_data, first_numbers, roc_picture, sample_colors, score_picture, swatch

_SEVERAL: Final = 1200
"""Pixels of the width of several panels; one has 800."""

_WIDE: Final = 2.0
_LONG: Final = 60


def write_report(path: str | os.PathLike[str], report: Report) -> Path:
    """Write a report as one self-contained HTML file, in one step.

    Args:
        path: the file; its directory must exist.
        report: what it holds. All of its text is shown as text, whatever it contains.

    Returns:
        The path written.

    Raises:
        ValueError: a figure is not a PNG.
        OSError: a figure cannot be read, or the file cannot be written.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from hepad.report import Report, Section, Table, write_report
    >>> report = Report("My model", sections=[Section("AUC", tables=[Table(["Signal", "AUC"], [["ttbar", 0.871]])])])
    >>> with TemporaryDirectory() as directory:
    ...     path = write_report(Path(directory) / "report.html", report)
    ...     path.name, "0.8710" in path.read_text(encoding="utf-8")
    ('report.html', True)
    """
    return atomic_write_text(path, render_report(report))


def render_report(report: Report) -> str:
    """A report as the text of an HTML page; see `write_report`.

    >>> from hepad.report import Interval, Report, render_report
    >>> page = render_report(Report("My <model>", key_figures=[("AUC, ttbar", Interval(0.871, 0.869, 0.873))]))
    >>> "My &lt;model&gt;" in page, "0.8710" in page
    (True, True)
    """
    environment = _environment()
    style, script = _asset("report.css"), _asset("report.js")
    if report.thresholds is not None:
        style += sample_colors(report.thresholds)
        script += _asset("thresholds.js")
    return environment.get_template("report.html.j2").render(
        report=report,
        provenance=list(flatten(report.provenance)) if report.provenance else [],
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        version=__version__,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hepad.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cell": format_cell,
        "sort_key": sort_key,
        "data_uri": _data_uri,
        "column_kinds": _column_kinds,
        "score_picture": score_picture,
        "roc_picture": roc_picture,
        "swatch": swatch,
        "first_numbers": first_numbers,
        "threshold_data": as_data,
    }
    environment.tests["wide"] = _is_wide
    return environment


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _data_uri(figure: bytes | str | os.PathLike[str]) -> str:
    return "data:image/png;base64," + base64.b64encode(read_png(figure)).decode("ascii")


def _column_kinds(table: Table) -> list[str]:
    """Kind of each column: `number` flush right and unbroken, `long` with room for a sentence, or empty."""
    kinds = []
    for cells in ([row[i] for row in table.rows] for i in range(len(table.header))):
        if any(is_numeric(cell) for cell in cells):
            kinds.append("number")
        else:
            kinds.append("long" if any(isinstance(cell, str) and len(cell) > _LONG for cell in cells) else "")
    return kinds


def _is_wide(figure: bytes | str | os.PathLike[str]) -> bool:
    """Return whether a picture needs the page's full width to be read; the size is in a PNG's first chunk."""
    width, height = struct.unpack(">II", read_png(figure)[16:24])
    return bool(width > _SEVERAL or width > _WIDE * height)


def _csp_hash(text: str) -> str:
    """The browser runs only the script, and applies only the style, that has this hash."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
