"""Tables of several searches: what each found, the mean over seeds, limits, and in what they differ."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.comparison.rows import csv_text
from hepad.plots.search_injection import Injection, over_seeds
from hepad.plots.search_style import cut_label
from hepad.report import Cell, Link, Setting, Table, interval
from hepad.searches.comparing import SearchComparison, SearchRow, limits_of, tightest_with_limits
from hepad.searches.page import PAGE
from hepad.searches.tables import WINNER, brief_p, expected_cell, global_cell, unbroken, without_empty, z_cell


def searches_table(comparison: SearchComparison) -> Table:
    """Return one row for each method of each search; the smallest p-value and the largest SIC are marked."""
    p = min((row.finding.p for row in comparison.rows if row.finding is not None), default=None)
    top = max((_max_sic(row) or 0.0 for row in comparison.rows), default=0.0)
    rows: list[list[Cell]] = []
    for row in comparison.rows:
        found, twin, performance = row.finding, row.twin, row.performance
        rows.append(
            [
                unbroken(f"{row.search} {WINNER}") if found is not None and found.p == p else row.search,
                row.method.method,
                None if row.injected is None else Setting(f"{row.injected:g}"),
                "no result" if found is None else unbroken(f"{found.window.name}, {cut_label(found.cut.efficiency)}"),
                *(
                    [None] * 4
                    if found is None
                    else [found.cut.observed, expected_cell(found.cut), found.p, z_cell(found.z)]
                ),
                global_cell(row.method),
                None if twin is None else twin.p,
                None
                if performance is None
                else interval(
                    performance.max_sic,
                    performance.max_sic_low,
                    performance.max_sic_high,
                    WINNER if performance.max_sic == top else "",
                ),
            ]
        )
    titles = [
        *("Search", "Method", "Injected", "Window, cut", "Observed", "Expected", "Local p", "Z", "Global p"),
        *("Null: local p", "Max SIC"),
    ]
    caption = (
        f"Smallest local p-value of each method in each search; {WINNER} the smallest of all, and the largest SIC."
    )
    return without_empty(Table(titles, rows, caption))


def brief_table(comparison: SearchComparison) -> Table:
    """Return the table of searches as a terminal takes it."""
    rows: list[list[Cell]] = [
        [
            row.search,
            row.method.method,
            None if row.injected is None else Setting(f"{row.injected:g}"),
            *([None] * 2 if row.finding is None else [brief_p(row.finding.p), z_cell(row.finding.z)]),
            None if row.method.p_global is None else brief_p(row.method.p_global),
            None if (top := _max_sic(row)) is None else Setting(f"{top:.2f}"),
        ]
        for row in comparison.rows
    ]
    return without_empty(Table(["Search", "Method", "Injected", "Local p", "Z", "Global p", "Max SIC"], rows))


def seeds_table(comparison: SearchComparison) -> Table | None:
    """Return medians over the searches of one kind with one amount of signal; None where no two are alike."""
    curves = injection_curves(comparison)
    rows: list[list[Cell]] = []
    for name in comparison.series:
        found = {title: {row[0]: row for row in over_seeds(curves[title][name])} for title in curves}
        for amount in sorted({amount for known in found.values() for amount in known}):
            known = [found[title].get(amount) for title in curves]
            rows.append(
                [
                    name,
                    Setting(f"{amount:g}"),
                    int(max(row[4] for row in known if row is not None)),
                    *(None if row is None else _median(row) for row in known),
                ]
            )
    if all(row[2] == 1 for row in rows):
        return None
    caption = "Median over searches that differ in the seed only, with the central 68% of them."
    return without_empty(Table(["Searches", "Injected", "Number", *curves], rows, caption))


def _median(row: NDArray[np.float64]) -> Cell:
    """Return a median with its interval over seeds; of one search its number alone."""
    _, low, middle, high, number = (float(value) for value in row)
    return middle if number == 1 else interval(middle, low, high)


def injection_curves(comparison: SearchComparison) -> dict[str, dict[str, Injection]]:
    """Return what is drawn against the injected signal → series → amounts and values."""
    values: dict[str, Callable[[SearchRow], float | None]] = {
        "Largest local Z": lambda row: None if row.finding is None else row.finding.z,
        "Max SIC": _max_sic,
    }
    found: dict[str, dict[str, Injection]] = {}
    for title, value in values.items():
        found[title] = {}
        for name in comparison.series:
            rows = [row for row in comparison.rows if row.series == name and row.injected is not None]
            known = [math.nan if (number := value(row)) is None else number for row in rows]
            found[title][name] = Injection([row.injected or 0.0 for row in rows], known)
    return found


def limits_table(comparison: SearchComparison) -> Table | None:
    """Return observed limits by window beyond the tightest cut that most searches have limits for."""
    efficiency = tightest_with_limits(comparison)
    if efficiency is None:
        return None
    windows = list(dict.fromkeys(w.name for record in comparison.records.values() for w in record.windows))
    rows: list[list[Cell]] = []
    for row in comparison.rows:
        cuts = limits_of(comparison.records[row.search], row.method, efficiency)
        medians = [cut.limits["median"] for cut in cuts.values() if "median" in cut.limits]
        limits = [cuts[name].limits.get("observed") if name in cuts else None for name in windows]
        if cuts:
            rows.append([row.search, row.method.method, *limits, sum(medians) / len(medians) if medians else None])
    caption = (
        f"Observed upper limits at 95% CL on entries of signal beyond the cut ({cut_label(efficiency)}) in each "
        "window; the last column is the mean of the expected ones."
    )
    return without_empty(Table(["Search", "Method", *windows, "Expected, mean"], rows, caption))


def directories_table(comparison: SearchComparison, base: Path) -> Table:
    """Return where each search is, with a link from `base` to its page, and the settings in which it differs."""
    keys = list(dict.fromkeys(key for settings in comparison.settings.values() for key in settings))
    rows: list[list[Cell]] = []
    for label, directory in comparison.directories.items():
        settings = comparison.settings[label]
        page = directory / PAGE
        told: Sequence[Cell] = [Setting(settings[key]) if key in settings else None for key in keys]
        rows.append(
            [
                Link(label, os.path.relpath(page.resolve(), base.resolve())) if page.is_file() else label,
                *told,
                str(directory),
            ]
        )
    return Table(["Search", *keys, "Directory"], rows, "The searches, and the settings in which they differ.")


def as_rows(comparison: SearchComparison) -> list[dict[str, Any]]:
    """Return one mapping for each method of each search, of plain values; what is not known is None."""
    return [
        {
            "search": row.search,
            "method": row.method.method,
            "injected": row.injected,
            "window": row.finding and row.finding.window.name,
            "efficiency": row.finding and row.finding.cut.efficiency,
            "observed": row.finding and row.finding.cut.observed,
            "expected": row.finding and row.finding.cut.expected,
            "p_local": row.finding and row.finding.p,
            "z": row.finding and row.finding.z,
            "p_global": row.method.p_global,
            "toys": row.method.toys,
            "null_p_local": row.twin and row.twin.p,
            "null_p_global": row.method.null and row.method.null.p_global,
            "max_sic": _max_sic(row),
            "failure": row.method.failure,
        }
        for row in comparison.rows
    ]


def as_csv(comparison: SearchComparison) -> str:
    """Return `as_rows` as CSV."""
    return csv_text(as_rows(comparison))


def _max_sic(row: SearchRow) -> float | None:
    return None if row.performance is None else row.performance.max_sic
