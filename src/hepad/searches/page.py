"""The page of a search: search.html, the pictures in plots/, and metrics.json."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from hepad.plots import StandardFigure
from hepad.plots.standard import save_figures
from hepad.report import Cell, Report, Section, Table, interval, write_report
from hepad.searches.answer import FAILED, answer, show_p, warnings
from hepad.searches.figures import LIMITS, SCAN, SPECTRA, best_first, search_figures
from hepad.searches.findings import best_finding, is_excess, method_of, smallest_p, with_trusted_global
from hepad.searches.metrics import best_performance, write_metrics
from hepad.searches.record import SearchRecord
from hepad.searches.tables import (
    cuts_table,
    found_table,
    global_cell,
    methods_table,
    samples_table,
    signal_table,
    unbroken,
    z_cell,
)
from hepad.searches.trust_figures import FOUND, SEPARATION, TRUST
from hepad.searches.trust_tables import closure_table, failure_table, fit_table, null_table, sculpting_table

PAGE: Final = "search.html"
PLOTS: Final = "plots"
_TRUST: Final = (null_table, closure_table, sculpting_table, fit_table)
_FOUND: Final = (signal_table, found_table)
_PICTURES: Final = (".png", ".pdf", ".svg")


def write_search_page(
    directory: Path, record: SearchRecord, title: str = "", note: str | None = None, formats: Sequence[str] = ("png",)
) -> Path:
    """Write search.html, plots/ and metrics.json of a search and return the page's path; earlier pictures go.

    Args:
        directory: of the search; it must exist.
        record: what was found.
        title: the page's heading; the directory's name by default.
        note: what the data are, above each figure, such as `Simulation, 13 TeV`.
        formats: of the pictures: png, pdf, svg; PNG is always written, for the page.
    """
    plots = directory / PLOTS
    plots.mkdir(exist_ok=True)
    for earlier in (path for path in plots.iterdir() if path.suffix in _PICTURES and path.is_file()):
        earlier.unlink()
    figures = save_figures(search_figures(record, note), plots, formats)
    write_metrics(directory, record)
    return write_report(directory / PAGE, search_report(record, figures, plots, title or directory.resolve().name))


def search_report(record: SearchRecord, figures: Sequence[StandardFigure], plots: Path, title: str) -> Report:
    """Return the page: the answer, the methods, spectra, scan, limits, separation, trust, found entries, settings.

    Args:
        record: what was found.
        figures: what was drawn, by section.
        plots: the directory that holds the pictures.
        title: the page's heading.
    """
    methods = best_first(record)
    null_cuts = [cuts_table(record, m.null, null=True) for m in methods if m.null is not None and not m.null.failure]
    failed = failure_table(record)
    first, *others = answer(record)
    sections = [
        _section(SPECTRA, figures, plots),
        _section(SCAN, figures, plots),
        Section("Windows and cuts", tables=[cuts_table(record, method) for method in methods]),
        _section(LIMITS, figures, plots, notes=["On the number of signal entries beyond a cut in a window."]),
        _section(SEPARATION, figures, plots),
        _section(
            TRUST,
            figures,
            plots,
            [table for make in _TRUST if (table := make(record)) is not None],
        ),
        _section(
            FOUND,
            figures,
            plots,
            [table for m in methods for make in _FOUND if (table := make(record, m)) is not None],
        ),
        Section("Null twin", tables=null_cuts),
        Section(FAILED, tables=[] if failed is None else [failed]),
        Section("Samples", tables=[samples_table(record)] if record.samples else []),
    ]
    return Report(
        title=title,
        # The first thing that is read.
        subtitle=first,
        key_figures=key_figures(record),
        verdicts=[*others, f"Searched in {record.observable}, with scores made of {', '.join(record.features)}."],
        summary=[methods_table(record)],
        sections=[section for section in sections if section.figures or section.tables],
        config=yaml.safe_dump(dict(record.settings), sort_keys=False, allow_unicode=True) if record.settings else "",
        provenance={"unblinded": record.unblinded, "null": record.null_kind or "none", "samples": record.samples},
        warnings=warnings(record),
        landscape=True,
    )


def key_figures(record: SearchRecord) -> list[tuple[str, Cell]]:
    """Return the few numbers that a reader looks for first."""
    finding = best_finding(record)
    seconds = sum(window.seconds for method in record.methods for window in method.windows)
    found: list[tuple[str, Cell]] = []
    if finding is not None:
        method = with_trusted_global(record, method_of(record, finding.method))
        twin = smallest_p(record, method.null)
        found = [
            ("answer", "excess" if is_excess(record, finding) else "no excess"),
            (f"smallest local p ({finding.method})", unbroken(show_p(finding.p))),
            ("Z", z_cell(finding.z)),
            *([] if method.p_global is None else [("global p", global_cell(method))]),
            *([] if twin is None else [("null twin: smallest local p", unbroken(show_p(twin.p)))]),
        ]
    tops = [top for m in record.methods if (top := best_performance(m)) is not None]
    top = max(tops, key=lambda top: top.max_sic or 0.0, default=None)
    return [
        *found,
        *([] if top is None else [("largest SIC", interval(top.max_sic, top.max_sic_low, top.max_sic_high))]),
        *([("time of all stages [s]", round(seconds))] if seconds else []),
    ]


def _section(
    title: str, figures: Sequence[StandardFigure], plots: Path, tables: Sequence[Table] = (), notes: Sequence[str] = ()
) -> Section:
    pictures: list[tuple[str, Any]] = [(f.caption, plots / f"{f.name}.png") for f in figures if f.section == title]
    return Section(title, pictures, tables, notes)
