"""Files of a comparison, of runs or of searches: the page, its numbers and its pictures."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hepad.core.files import atomic_write_text
from hepad.plots import StandardFigure
from hepad.plots.standard import save_figures
from hepad.report import Report, write_report

PLOTS: Final = "comparison_plots"


def write_files(
    directory: Path,
    figures: Iterable[StandardFigure],
    content: Mapping[str, Any],
    csv: str,
    report: Callable[[Sequence[StandardFigure], Path], Report],
    formats: Sequence[str] = ("png",),
) -> Path:
    """Write comparison.html, comparison.json, comparison.csv and comparison_plots/ and return the page's path.

    Args:
        directory: where to; it is made if need be, and earlier files of these names are replaced.
        figures: to be drawn.
        content: of comparison.json, plain values.
        csv: text of comparison.csv.
        report: makes the page of the figures and the directory that holds their pictures.
        formats: of the pictures: png, pdf, svg; PNG is always written, for the page.
    """
    plots = directory / PLOTS
    plots.mkdir(parents=True, exist_ok=True)
    drawn = save_figures(figures, plots, formats)
    atomic_write_text(directory / "comparison.json", json.dumps(content, indent=2) + "\n")
    atomic_write_text(directory / "comparison.csv", csv)
    return write_report(directory / "comparison.html", report(drawn, plots))
