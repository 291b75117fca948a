"""Figures of a search, in the order of its page."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from hepad.plots import SampleStyle, StandardFigure
from hepad.plots.runs import in_color, run_styles
from hepad.plots.search_limits import plot_limits_by_cut, plot_search_limits
from hepad.plots.search_scan import PScan, plot_search_cuts, plot_search_scan
from hepad.plots.search_spectrum import MassSpectrum, plot_search_spectrum
from hepad.plots.search_style import cut_label
from hepad.report.formatting import with_uncertainty
from hepad.searches.answer import brief_global, show_p, show_z
from hepad.searches.findings import (
    best_finding,
    efficiencies,
    is_weak,
    no_fit,
    p_values,
    results,
    smallest_p,
    with_trusted_global,
)
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Window
from hepad.searches.trust_figures import closure_figures, found_figures, separation_figures, window_ends

SPECTRA: Final = "Spectra"
SCAN: Final = "Scan"
LIMITS: Final = "Limits"

_MOST_CUTS: Final = 6
"""Cuts in a figure of spectra; the tightest where there are more."""


def search_figures(record: SearchRecord, note: str | None = None) -> Iterator[StandardFigure]:
    """Yield the figures of a search as recipes; what has no result is not among them.

    Args:
        record: what was found.
        note: what the data are.
    """
    styles = method_styles(record)
    methods = best_first(record)
    for method in methods:
        if (finding := smallest_p(record, method)) is not None:
            yield from _spectra(record, method, finding.window, note)
    if best := next(iter(methods), None):
        finding = smallest_p(record, best)
        if best.null is not None and finding is not None:
            yield from _spectra(record, best.null, finding.window, note, null=True)
    yield from _scan(record, styles, note)
    if len(record.windows) == 1:
        yield from _limits_by_cut(record, note)
    else:
        yield from (figure for method in methods for figure in _limits(record, method, note))
    yield from separation_figures(record, styles, note)
    yield from closure_figures(record, styles, note)
    yield from (figure for method in methods for figure in found_figures(record, method, note))


def method_styles(record: SearchRecord) -> dict[str, SampleStyle]:
    """Return the look of each method, the same in all figures."""
    names = [method.method for method in record.methods]
    return run_styles(names, None, in_color(names, None))


def best_first(record: SearchRecord) -> list[MethodResult]:
    """Return the methods, the one that gives the answer first, without those that failed."""
    best = best_finding(record)
    known = [method for method in record.methods if not method.failure]
    return sorted(known, key=lambda method: best is None or method.method != best.method)


def _spectra(
    record: SearchRecord, method: MethodResult, window: Window, note: str | None, null: bool = False
) -> Iterator[StandardFigure]:
    result = next((result for result in method.windows if result.window == window.name), None)
    spectra = [] if result is None else [_spectrum(window, cut) for cut in result.cuts if cut.spectrum is not None]
    if not spectra:
        return
    name = f"{method.method}, null twin" if null else method.method
    where = "the same window of the search without signal" if null else "the window of its smallest p-value"
    yield StandardFigure(
        f"spectrum_{'null_' if null else ''}{method.method}_{window.name}",
        SPECTRA,
        f"{name}: {record.observable} beyond each cut in {where}, {window.name} (shaded), with the background "
        "fitted beside it. Below, data minus background over the error of both.",
        partial(
            plot_search_spectrum,
            spectra[-_MOST_CUTS:],
            (window.low, window.high),
            observable=record.observable,
            unit=record.unit,
            note=note,
        ),
    )


def _spectrum(window: Window, cut: CutResult) -> MassSpectrum:
    assert cut.spectrum is not None
    spectrum, failure = cut.spectrum, cut.failure or no_fit(cut)
    told = []
    if cut.expected is not None and cut.error is not None:
        b = with_uncertainty(cut.expected, cut.expected - cut.error, cut.expected + cut.error)
        told.append(f"n = {cut.observed:,}, b = {b}")
    if cut.p is not None:
        told.append(f"p = {show_p(cut.p)}" + ("" if cut.z is None else f" ({show_z(cut.z)})"))
    if spectrum.chi2 is not None and spectrum.ndf is not None and spectrum.ndf > 0:
        told.append(f"χ²/ndf = {spectrum.chi2:.1f}/{spectrum.ndf}")
    if is_weak(window, cut):
        told.append("weak fit: not to be believed")
    fitted = ((), ()) if failure else (spectrum.expected, spectrum.errors or [0.0] * len(spectrum.expected))
    return MassSpectrum(cut_label(cut.efficiency), spectrum.edges, spectrum.counts, *fitted, told, failure)


def _scan(record: SearchRecord, styles: Mapping[str, SampleStyle], note: str | None) -> Iterator[StandardFigure]:
    scans = []
    for method in record.methods:
        if smallest_p(record, method) is None:
            continue
        of_null = [] if method.null is None or method.null.failure else efficiencies([method.null])
        null = {} if method.null is None else {cut: p_values(method.null, cut, record.windows) for cut in of_null}
        p = {cut: p_values(method, cut, record.windows) for cut in efficiencies([method])}
        told = [
            f"{title} {words}"
            for title, of in (("global p", method), ("null twin's", method.null))
            if of is not None and (words := brief_global(with_trusted_global(record, of)))
        ]
        scans.append(PScan(method.method, p, null, told))
    if scans and len(record.windows) == 1:
        yield StandardFigure(
            "scan",
            SCAN,
            "Local p-value of each cut, with the significances it stands for; broken and hollow: the null twin, the "
            "same search without signal. A cut without a p-value, or of a weak fit, has no point.",
            partial(plot_search_cuts, scans, styles=styles, note=note),
        )
    elif scans:
        yield StandardFigure(
            "scan",
            SCAN,
            "Local p-value of each cut in each window, with the significances it stands for; broken and hollow: the "
            "null twin, the same search without signal. A cut without a p-value, or of a weak fit, has no point.",
            partial(
                plot_search_scan,
                scans,
                window_ends(record),
                observable=record.observable,
                unit=record.unit,
                note=note,
            ),
        )


def _limits(record: SearchRecord, method: MethodResult, note: str | None) -> Iterator[StandardFigure]:
    limits = {
        efficiency: [dict(cut.limits) if cut is not None else {} for cut in _cuts(record, method, efficiency)]
        for efficiency in efficiencies([method])
    }
    if any(of_window for found in limits.values() for of_window in found):
        yield StandardFigure(
            f"limits_{method.method}",
            LIMITS,
            f"{method.method}: upper limits at 95% CL on entries of signal beyond each cut, and what is expected of "
            "background alone.",
            partial(
                plot_search_limits,
                limits,
                window_ends(record),
                observable=record.observable,
                unit=record.unit,
                note=note,
            ),
        )


def _limits_by_cut(record: SearchRecord, note: str | None) -> Iterator[StandardFigure]:
    """Yield the limits of all methods in the only window of a search."""
    limits = {
        method.method: {cut.efficiency: {} if cut.failure else dict(cut.limits) for _, cut in results(method)}
        for method in best_first(record)
    }
    if any(of_cut for found in limits.values() for of_cut in found.values()):
        yield StandardFigure(
            "limits",
            LIMITS,
            "Upper limits at 95% CL on entries of signal beyond each cut, and what is expected of background alone.",
            partial(plot_limits_by_cut, limits, note=note),
        )


def _cuts(record: SearchRecord, method: MethodResult, efficiency: float) -> list[CutResult | None]:
    """Return a cut of a method in each window; None where it failed or was not made."""
    known = {window.window: cut for window, cut in results(method) if cut.efficiency == efficiency and not cut.failure}
    return [known.get(window.name) for window in record.windows]
