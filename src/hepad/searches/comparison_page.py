"""The page of several searches: p-values, SIC and limits side by side, and injection curves over seeds."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from hepad.comparison.files import write_files
from hepad.plots import StandardFigure
from hepad.plots.runs import MOST_IN_COLOR, run_styles
from hepad.plots.search_injection import plot_injection
from hepad.plots.searches import Value, plot_searches
from hepad.report import Cell, Report, Section, Table
from hepad.report.terminal import console_table, print_to_terminal
from hepad.searches.answer import show_p, show_z
from hepad.searches.comparing import SearchComparison, limits_of, tightest_with_limits
from hepad.searches.comparison_tables import (
    as_csv,
    as_rows,
    brief_table,
    directories_table,
    injection_curves,
    limits_table,
    searches_table,
    seeds_table,
)
from hepad.searches.findings import BENCHMARKS

INJECTION: Final = "Injection"
BESIDE: Final = "Side by side"
_MOST_ROWS: Final = 30
_SIGMAS: Final = (3, 5)
_BAND: Final = ("median", "-1", "1")


def write_search_comparison(comparison: SearchComparison, directory: Path, formats: Sequence[str] = ("png",)) -> Path:
    """Write the files of a comparison of searches, as `write_files` does, and return the page's path."""
    content: dict[str, Any] = {
        "searches": {label: str(path) for label, path in comparison.directories.items()},
        "differs_in": {label: dict(settings) for label, settings in comparison.settings.items()},
        "notes": list(comparison.notes),
        "unfinished": [str(path) for path in comparison.unfinished],
        "rows": as_rows(comparison),
    }
    figures, report = comparison_figures(comparison), partial(comparison_report, comparison)
    return write_files(directory, figures, content, as_csv(comparison), report, formats)


def print_search_comparison(comparison: SearchComparison, page: Path) -> None:
    """Print the medians over seeds, or else the table of searches, what they do not share, and the page's path."""
    seeds = seeds_table(comparison)
    if seeds is None:
        shown = console_table(brief_table(comparison), "Smallest local p-value of each method in each search")
    else:
        shown = console_table(seeds, "Median over seeds, and the central 68% of them")
    print_to_terminal([shown], [*(("note", note) for note in comparison.notes), ("page", str(page))])


def comparison_figures(comparison: SearchComparison) -> Iterator[StandardFigure]:
    """Yield the injection curves, where searches differ in the injected signal, and numbers side by side."""
    if len(comparison.amounts) > 1:
        series = comparison.series[:MOST_IN_COLOR]
        more = len(comparison.series) - len(series)
        curves = {
            title: {name: found for name, found in of.items() if name in series}
            for title, of in injection_curves(comparison).items()
        }
        yield StandardFigure(
            "injection",
            INJECTION,
            "Largest local significance, and largest significance improvement, against the injected signal: median "
            "over the searches with as much of it, and the central 68% of them. Lines at 3σ and 5σ."
            + (f" {more} more kinds of searches are in the table alone." if more else ""),
            partial(
                plot_injection,
                curves,
                styles=run_styles(series, None, series),
                amount="Injected signal entries",
                levels={"Largest local Z": _SIGMAS},
            ),
        )
    methods = list(dict.fromkeys(row.method.method for row in comparison.rows))[:MOST_IN_COLOR]
    searches = list(comparison.records)
    if len(searches) <= _MOST_ROWS:
        yield StandardFigure(
            "searches",
            BESIDE,
            "Largest local significance of each method in each search, the largest significance improvement with its "
            "68% interval, and the expected upper limit with its 68% band, the mean over the windows.",
            partial(
                plot_searches,
                _numbers(comparison, methods),
                searches=searches,
                styles=run_styles(methods, None, methods),
            ),
        )


def _numbers(comparison: SearchComparison, methods: Sequence[str]) -> dict[str, dict[tuple[str, str], Value]]:
    z: dict[tuple[str, str], Value] = {}
    sic: dict[tuple[str, str], Value] = {}
    limit: dict[tuple[str, str], Value] = {}
    efficiency = tightest_with_limits(comparison)
    for row in (row for row in comparison.rows if row.method.method in methods):
        place = (row.search, row.method.method)
        if row.finding is not None:
            z[place] = (row.finding.z,) * 3
        if row.performance is not None and (top := row.performance.max_sic) is not None:
            low, high = row.performance.max_sic_low, row.performance.max_sic_high
            sic[place] = (top, top if low is None else low, top if high is None else high)
        known = [] if efficiency is None else limits_of(comparison.records[row.search], row.method, efficiency).values()
        if ends := [tuple(cut.limits[name] for name in _BAND) for cut in known if set(_BAND) <= cut.limits.keys()]:
            middle, low, high = (sum(values) / len(ends) for values in zip(*ends, strict=True))
            limit[place] = (middle, low, high)
    return {"Largest local Z": z, "Max SIC": sic, "Expected limit [entries]": limit}


def comparison_report(comparison: SearchComparison, figures: Sequence[StandardFigure], plots: Path) -> Report:
    """Return the page: the searches, injection curves and seeds, numbers side by side, limits, settings.

    Args:
        comparison: what was found.
        figures: what was drawn, by section.
        plots: the directory that holds the pictures.
    """
    seeds, limits, whole = seeds_table(comparison), limits_table(comparison), searches_table(comparison)
    titles: dict[str, list[Table]] = {
        INJECTION: [],
        BESIDE: [],
        "Limits": [] if limits is None else [limits],
        "Searches": [*([] if seeds is None else [whole]), directories_table(comparison, plots.parent)],
    }
    sections = [
        Section(title, [(f.caption, plots / f"{f.name}.png") for f in figures if f.section == title], tables)
        for title, tables in titles.items()
    ]
    amounts = comparison.amounts
    key_figures: list[tuple[str, Cell]] = [
        ("searches", len(comparison.records)),
        ("methods", len({row.method.method for row in comparison.rows})),
        *([("amounts of injected signal", len(amounts))] if amounts else []),
    ]
    return Report(
        title=f"Comparison of {len(comparison.records)} searches",
        subtitle=_answer(comparison),
        key_figures=key_figures,
        summary=[whole if seeds is None else seeds],
        sections=[section for section in sections if section.figures or section.tables],
        warnings=list(comparison.notes),
        landscape=True,
    )


def _answer(comparison: SearchComparison) -> str:
    """Return the smallest p-value in a sentence; of a benchmark only where there is no other method."""
    known = [(row, row.finding) for row in comparison.rows if row.finding is not None]
    searches = [(row, finding) for row, finding in known if finding.method not in BENCHMARKS]
    if not known:
        return "No search has a p-value."
    row, finding = min(searches or known, key=lambda pair: pair[1].p)
    told = f"{show_p(finding.p)} ({show_z(finding.z)})"
    return f"The smallest local p-value is {told}, of {finding.method} in {row.search}, {finding.window.name}."
