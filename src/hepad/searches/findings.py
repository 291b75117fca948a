"""Findings of a search: the smallest p-values, what is called an excess, and what failed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from scipy.stats import norm

from hepad.plots.search_style import cut_label
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Spectrum, Window, WindowResult

BENCHMARKS: Final = ("supervised", "idealized")
"""Methods that need to know what no search of data knows; another one gives the answer where there is one."""
SIGNIFICANT: Final = 0.05
"""A global p-value below is called an excess."""
FEWEST: Final = 10
"""Entries that a fit must have: one of fewer is worth nothing."""
LOCAL_Z: Final = 3.0
"""A local significance from here on is called an excess where no global p-value is known."""


@dataclass(frozen=True)
class Finding:
    """One cut of one method in one window, with its p-value.

    Attributes:
        method: its name.
        window: of the scan.
        cut: which has a p-value.
    """

    method: str
    window: Window
    cut: CutResult

    @property
    def p(self) -> float:
        """Local p-value."""
        return 1.0 if self.cut.p is None else self.cut.p

    @property
    def z(self) -> float:
        """Local significance; from the p-value where the record has none."""
        return z_of_p(self.p) if self.cut.z is None else self.cut.z

    @property
    def place(self) -> str:
        """The method, the window and the cut, in words."""
        return f"{self.method}, {self.window.name}, {cut_label(self.cut.efficiency)}"


def results(method: MethodResult) -> Iterator[tuple[WindowResult, CutResult]]:
    """Yield every cut of a method with its window."""
    for window in method.windows:
        for cut in window.cuts:
            yield window, cut


def smallest_p(record: SearchRecord, method: MethodResult | None) -> Finding | None:
    """Return the cut with the smallest local p-value of a method; of weak fits only where there is no other.

    Args:
        record: of the search, for its windows.
        method: one of its methods, or a null twin; None is answered with None.
    """
    if method is None or method.failure:
        return None
    windows = {window.name: window for window in record.windows}
    found = [
        Finding(method.method, windows[window.window], cut)
        for window, cut in results(method)
        if cut.p is not None and not cut.failure
    ]
    tested = [finding for finding in found if not is_weak(finding.window, finding.cut)]
    return min(tested or found, key=lambda finding: (finding.p, -finding.z), default=None)


def with_trusted_global(record: SearchRecord, method: MethodResult) -> MethodResult:
    """Return a method and its null twin, each without its global p-value where that counts a weak fit.

    `smallest_p` does not count one.
    """
    null = None if method.null is None else with_trusted_global(record, method.null)
    finding = smallest_p(record, method)
    known = [cut.p for _, cut in results(method) if cut.p is not None and not cut.failure]
    trusted = finding is None or min(known) >= finding.p
    return replace(method, p_global=method.p_global if trusted else None, null=null)


def best_finding(record: SearchRecord) -> Finding | None:
    """Return the cut with the smallest local p-value of all methods; of `BENCHMARKS` only where there is no other."""
    found = [finding for method in record.methods if (finding := smallest_p(record, method)) is not None]
    searches = [finding for finding in found if finding.method not in BENCHMARKS]
    return min(searches or found, key=lambda finding: (finding.p, -finding.z), default=None)


def method_of(record: SearchRecord, name: str) -> MethodResult:
    """Return a method by its name."""
    return next(method for method in record.methods if method.method == name)


def z_of_p(p: float) -> float:
    """Return the significance of a one-sided p-value; 38 for 0, which no float below belongs to.

    >>> from hepad.searches.findings import z_of_p
    >>> round(z_of_p(0.0013499), 3)
    3.0
    """
    return float(norm.isf(max(p, 1e-316)))


def global_error(method: MethodResult) -> float | None:
    """Return the standard error of a global p-value from the number of its toys; None where it has none."""
    if method.p_global is None or not method.toys:
        return None
    return math.sqrt(method.p_global * (1 - method.p_global) / method.toys)


def is_excess(record: SearchRecord, finding: Finding | None) -> bool:
    """Return whether a finding is called an excess: by the global p-value of its method, else by its own Z."""
    if finding is None:
        return False
    p_global = with_trusted_global(record, method_of(record, finding.method)).p_global
    return finding.z >= LOCAL_Z if p_global is None else p_global < SIGNIFICANT


def no_fit(cut: CutResult) -> str:
    """Return why the spectrum of a cut has no fit; empty where it has, or where there is no spectrum."""
    return "" if cut.spectrum is None else cut.spectrum.failure


def is_weak(window: Window, cut: CutResult) -> bool:
    """Return whether a p-value comes from a fit that cannot be tested: no degree of freedom, or few entries to fit."""
    fit = cut.spectrum
    if fit is None or not fit.expected or cut.failure or fit.failure:
        return False
    return (fit.ndf is not None and fit.ndf < 1) or entries_beside(window, fit) < FEWEST


def entries_beside(window: Window, spectrum: Spectrum) -> float:
    """Return how many entries of a spectrum are in bins outside the window."""
    centers = [(low + high) / 2 for low, high in pairwise(spectrum.edges)]
    return sum(n for n, x in zip(spectrum.counts, centers, strict=True) if not window.low <= x < window.high)


def weak_fits(record: SearchRecord) -> list[Finding]:
    """Return the cuts whose p-value comes from a fit that cannot be tested."""
    windows = {window.name: window for window in record.windows}
    return [
        Finding(method.method, windows[window.window], cut)
        for method in record.methods
        for window, cut in results(method)
        if is_weak(windows[window.window], cut)
    ]


def failures(record: SearchRecord) -> list[tuple[str, str, str, str]]:
    """Return method, window, cut and reason of all that has no result or no fit, null twins too."""
    found = []
    for method in record.methods:
        for of, name in ((method, method.method), (method.null, f"{method.method}, null twin")):
            if of is None:
                continue
            if of.failure:
                found.append((name, "", "", of.failure))
            for window, cut in results(of):
                if reason := cut.failure or no_fit(cut):
                    found.append((name, window.window, cut_label(cut.efficiency), reason))
    return found


def p_values(method: MethodResult, efficiency: float, windows: Sequence[Window]) -> list[float]:
    """Return the local p-values of a cut in the windows of a scan; NaN where there is none, or of a weak fit."""
    by_name = {window.name: window for window in windows}
    known = {
        window.window: cut.p
        for window, cut in results(method)
        if cut.efficiency == efficiency and cut.p is not None and not cut.failure
        if not is_weak(by_name[window.window], cut)
    }
    return [known.get(window.name, math.nan) for window in windows]


def efficiencies(methods: Sequence[MethodResult]) -> list[float]:
    """Return the cuts of methods, loosest first."""
    return sorted({cut.efficiency for method in methods for _, cut in results(method)}, reverse=True)
