"""Findings of a search: the smallest p-values, limits, what failed, and the answer in a sentence."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.stats import norm

from hepad.core.names import counted
from hepad.plots.search_style import cut_label
from hepad.report.formatting import with_uncertainty
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Window, WindowResult

BENCHMARKS: Final = ("supervised", "idealized")
"""Methods that need to know what no search of data knows; another one gives the answer where there is one."""
SIGNIFICANT: Final = 0.05
"""A global p-value below is called an excess."""
FAILED: Final = "What failed"
"""Section of the page."""
LOCAL_Z: Final = 3.0
"""Where no global p-value is known, a local significance from here on is called an excess."""

_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
    """Return the cut with the smallest local p-value of a method; the larger Z where several are zero.

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
    return min(found, key=lambda finding: (finding.p, -finding.z), default=None)


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


def show_p(p: float) -> str:
    """Return a p-value in words.

    >>> from hepad.searches.findings import show_p
    >>> show_p(0.0312), show_p(3.1e-7), show_p(0.0)
    ('0.031', '3.1 × 10⁻⁷', 'below 10⁻³⁰⁰')
    """
    if p < 1e-300:
        return "below 10⁻³⁰⁰"
    if p >= 1e-3:
        return f"{p:.2g}"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def show_z(z: float) -> str:
    """Return a significance in words.

    >>> from hepad.searches.findings import show_z
    >>> show_z(4.96), show_z(-0.31)
    ('5.0σ', '−0.3σ')
    """
    return f"{z:.1f}σ".replace("-", "−")


def show_global(method: MethodResult) -> str:
    """Return a method's global p-value in words, with the number of toys; empty where it has none."""
    if method.p_global is None:
        return ""
    toys = f" ({method.toys:,} toys)" if method.toys else ""
    if method.toys and method.p_global * method.toys < 0.5:
        return f"below {show_p(1 / method.toys)}{toys}"
    return f"{show_p(method.p_global)}{toys}"


def global_error(method: MethodResult) -> float | None:
    """Return the standard error of a global p-value from the number of its toys; None where it has none."""
    if method.p_global is None or not method.toys:
        return None
    return math.sqrt(method.p_global * (1 - method.p_global) / method.toys)


def is_excess(record: SearchRecord, finding: Finding | None) -> bool:
    """Return whether a finding is called an excess: by the global p-value of its method, else by its own Z."""
    if finding is None:
        return False
    p_global = method_of(record, finding.method).p_global
    return finding.z >= LOCAL_Z if p_global is None else p_global < SIGNIFICANT


def window_words(record: SearchRecord, window: Window) -> str:
    """Return a window by its name and ends."""
    unit = f" {record.unit}" if record.unit else ""
    return f"{window.name} ({window.low:g}–{window.high:g}{unit})"


def answer(record: SearchRecord) -> list[str]:
    """Return what was found in a few sentences, the answer first."""
    finding = best_finding(record)
    if finding is None:
        return ["No result: no cut of any method has a p-value."]
    method = method_of(record, finding.method)
    found = is_excess(record, finding)
    local = (
        f"the smallest local p-value is {show_p(finding.p)} ({show_z(finding.z)}), of {finding.method} in "
        f"{window_words(record, finding.window)}, {cut_label(finding.cut.efficiency)}{_counts(finding.cut)}"
    )
    if told := show_global(method):
        whole = f"its global p-value, for all windows and cuts of {finding.method}, is {told}"
    else:
        whole = "no global p-value was computed"
    return [
        f"{'An excess' if found else 'No excess'}: {local}; {whole}.",
        *_null_words(record, method),
        *([] if found else _limit_words([method, *record.methods])),
    ]


def _counts(cut: CutResult) -> str:
    """Return observed and expected entries in words."""
    if cut.expected is None or cut.error is None:
        return f", with {cut.observed:,} observed"
    b = with_uncertainty(cut.expected, cut.expected - cut.error, cut.expected + cut.error)
    return f", with {cut.observed:,} observed and {b} expected"


def _null_words(record: SearchRecord, method: MethodResult) -> list[str]:
    twin = smallest_p(record, method.null)
    if twin is None or method.null is None:
        return ["There is no null twin: the same search of samples without signal was not made."]
    kind = {"background": "background alone", "shuffled": "a shuffled observable"}.get(record.null_kind, "no signal")
    told = show_global(method.null)
    return [
        f"The null twin, the same search with {kind}, has a smallest local p-value of {show_p(twin.p)} "
        f"({show_z(twin.z)}){f' and a global one of {told}' if told else ''}."
    ]


def _limit_words(methods: Sequence[MethodResult]) -> list[str]:
    """Return the range over windows of the limits beyond the tightest cut that has them, of the first method."""
    for method in methods:
        limits: dict[float, list[float]] = {}
        for _, cut in results(method):
            if "observed" in cut.limits and not cut.failure:
                limits.setdefault(cut.efficiency, []).append(cut.limits["observed"])
        if limits:
            efficiency = min(limits)
            low, high = min(limits[efficiency]), max(limits[efficiency])
            numbers = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}, by window"
            return [
                f"Upper limit at 95% CL on signal entries beyond the cut ({method.method}, "
                f"{cut_label(efficiency)}): {numbers}."
            ]
    return []


def no_fit(cut: CutResult) -> str:
    """Return why the spectrum of a cut has no fit; empty where it has, or where there is no spectrum."""
    return "" if cut.spectrum is None else cut.spectrum.failure


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


def warnings(record: SearchRecord) -> list[str]:
    """Return what a reader of the numbers must know first, the record's own notes among it."""
    found = list(record.notes)
    names = [method.method for method in record.methods if not method.failure]
    searches = [name for name in names if name not in BENCHMARKS] or names
    for method in record.methods:
        if method.failure:
            found.append(f"{method.method} has no result: {method.failure.rstrip('.')}.")
        elif method.null is not None and method.null.p_global is not None and method.null.p_global < SIGNIFICANT:
            found.append(
                f"The null twin of {method.method} has a global p-value of {show_global(method.null)}: its p-values "
                "are too small where there is no signal, so do not trust them here."
            )
    lost = sum(bool(cut.failure) for method in record.methods for _, cut in results(method))
    if lost:
        found.append(f"{counted(lost, 'cut')} without a p-value: section “{FAILED}” names each, with its reason.")
    if len(searches) > 1:
        found.append(
            f"A global p-value counts the windows and cuts of one method. That the best of {len(searches)} methods is "
            "looked at is not in it."
        )
    known = [name for name in names if name in BENCHMARKS]
    if known and len(known) < len(names):
        found.append(
            f"{' and '.join(known)}: a benchmark that needs to know what no search of data knows; the answer is that "
            "of another method."
        )
    return found


def p_values(method: MethodResult, efficiency: float, windows: Sequence[Window]) -> list[float]:
    """Return the local p-values of a cut in the windows of a scan; NaN where there is none."""
    known = {
        window.window: cut.p
        for window, cut in results(method)
        if cut.efficiency == efficiency and cut.p is not None and not cut.failure
    }
    return [known.get(window.name, math.nan) for window in windows]


def efficiencies(methods: Sequence[MethodResult]) -> list[float]:
    """Return the cuts of methods, loosest first."""
    return sorted({cut.efficiency for method in methods for _, cut in results(method)}, reverse=True)
