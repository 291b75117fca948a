"""Figures of what a search can do and how far it is to be trusted: improvement, closure, features of found entries."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from hepad.plots import SampleStyle, StandardFigure
from hepad.plots.search_closure import TemplateClosure, plot_closure_auc, plot_closure_pulls
from hepad.plots.search_features import plot_found_features
from hepad.plots.search_performance import SicBand, plot_search_sic
from hepad.plots.search_style import cut_label
from hepad.report.formatting import with_uncertainty
from hepad.searches.findings import smallest_p
from hepad.searches.record import MethodResult, SearchRecord, Window, WindowResult

SEPARATION: Final = "Separation of signal"
TRUST: Final = "Trust"
FOUND: Final = "Found entries"


def separation_figures(
    record: SearchRecord, styles: Mapping[str, SampleStyle], note: str | None
) -> Iterator[StandardFigure]:
    """Yield the significance improvement of the methods in each window where truth is known."""
    for window in record.windows:
        bands = {
            method.method: band
            for method in record.methods
            if (result := result_in(method, window)) is not None and (band := _band(result)) is not None
        }
        if bands:
            yield StandardFigure(
                f"sic_{window.name}",
                SEPARATION,
                f"Significance improvement in {window.name}, with 68% bands, where ten or more background entries "
                "pass. Truth was read for this figure alone.",
                partial(plot_search_sic, bands, styles=styles, note=note),
            )


def _band(result: WindowResult) -> SicBand | None:
    found = result.performance
    if found is None or all(value is None for value in found.sic):
        return None
    sic, low, high = (
        [math.nan if value is None else value for value in curve] for curve in (found.sic, found.low, found.high)
    )
    told = "" if found.max_sic is None else with_uncertainty(found.max_sic, found.max_sic_low, found.max_sic_high)
    return SicBand(found.efficiency, sic, low, high, told)


def closure_figures(
    record: SearchRecord, styles: Mapping[str, SampleStyle], note: str | None
) -> Iterator[StandardFigure]:
    """Yield the closure of the templates and the pulls of their features."""
    closures = {}
    for method in record.methods:
        found = [None if (r := result_in(method, window)) is None else r.closure for window in record.windows]
        if any(closure is not None for closure in found):
            auc, error, floor, floor_error = (
                [math.nan if closure is None else float(getattr(closure, name)) for closure in found]
                for name in ("auc", "error", "floor", "floor_error")
            )
            features = list(dict.fromkeys(name for closure in found if closure is not None for name in closure.pulls))
            pulls = {
                name: [closure.pulls[name] for closure in found if closure is not None and name in closure.pulls]
                for name in features
            }
            closures[method.method] = TemplateClosure(auc, error, floor, floor_error, pulls)
    if not closures:
        return
    yield StandardFigure(
        "closure_auc",
        TRUST,
        "AUC of a classifier of template against what it stands for (filled), and of two halves of that against each "
        "other (hollow): where both agree, no classifier sees a difference.",
        partial(
            plot_closure_auc,
            closures,
            window_ends(record),
            styles=styles,
            observable=record.observable,
            unit=record.unit,
            note=note,
        ),
    )
    if any(found.pulls for found in closures.values()):
        yield StandardFigure(
            "closure_pulls",
            TRUST,
            "Pulls of the features of templates, a point for each window: 0 and 1 where the template closes.",
            partial(plot_closure_pulls, closures, styles=styles, note=note),
        )


def found_figures(record: SearchRecord, method: MethodResult, note: str | None) -> Iterator[StandardFigure]:
    """Yield the features of the entries that a method has found, in the window of its smallest p-value."""
    finding = smallest_p(record, method)
    result = None if finding is None else result_in(method, finding.window)
    if result is None:
        return
    names = [name for name in (record.observable, *record.features) if len(result.found.get(name, ()))]
    if names:
        tightest = cut_label(min(cut.efficiency for cut in result.cuts))
        yield StandardFigure(
            f"found_{method.method}",
            FOUND,
            f"{method.method}: features of the entries in {result.window} beyond the tightest cut ({tightest}) as "
            "points, those of the template beyond the same cut as an area; the outermost bins hold what lies beyond.",
            partial(
                plot_found_features,
                {name: result.found[name] for name in names},
                dict(result.template_features),
                note=note,
            ),
        )
    if names and (signal := result.signal_model) is not None:
        lines = {"Signal model": signal.features, **({"True signal": signal.truth} if signal.truth else {})}
        yield StandardFigure(
            f"signal_{method.method}",
            FOUND,
            f"{method.method}: draws of the signal that was fitted in {result.window} (line) beside the entries beyond "
            f"the tightest cut ({tightest}), as points" + ("; broken: the true signal." if signal.truth else "."),
            partial(
                plot_found_features,
                {name: result.found[name] for name in names},
                {},
                others={title: dict(columns) for title, columns in lines.items()},
                note=note,
            ),
        )


def result_in(method: MethodResult, window: Window) -> WindowResult | None:
    """Return a method's result in a window; None where it has none."""
    if method.failure:
        return None
    return next((result for result in method.windows if result.window == window.name), None)


def window_ends(record: SearchRecord) -> Sequence[tuple[float, float]]:
    """Return low and high end of each window."""
    return [(window.low, window.high) for window in record.windows]
