"""The answer of a search in sentences, p-values and significances in words, and what to know before reading on."""

from collections.abc import Sequence
from typing import Final

from hepad.core.names import counted
from hepad.plots.search_style import cut_label
from hepad.report.formatting import with_uncertainty
from hepad.searches.findings import (
    BENCHMARKS,
    FEWEST,
    SIGNIFICANT,
    best_finding,
    is_excess,
    method_of,
    results,
    smallest_p,
    weak_fits,
    with_trusted_global,
)
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Window

FAILED: Final = "What failed"
"""Section of the page."""

_SHOWN: Final = 3
_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def window_words(record: SearchRecord, window: Window) -> str:
    """Return a window by its name and ends."""
    unit = f" {record.unit}" if record.unit else ""
    return f"{window.name} ({window.low:g}–{window.high:g}{unit})"


def answer(record: SearchRecord) -> list[str]:
    """Return what was found in a few sentences, the answer first."""
    finding = best_finding(record)
    if finding is None:
        return ["No result: no cut of any method has a p-value."]
    method = with_trusted_global(record, method_of(record, finding.method))
    found = is_excess(record, finding)
    local = (
        f"the smallest local p-value is {show_p(finding.p)} ({show_z(finding.z)}), of {finding.method} in "
        f"{window_words(record, finding.window)}, {cut_label(finding.cut.efficiency)}{_counts(finding.cut)}"
    )
    if told := show_global(method):
        whole = f"its global p-value, for all windows and cuts of {finding.method}, is {told}"
    elif method_of(record, finding.method).p_global is not None:
        whole = "no global p-value belongs to it, as that of the toys counts a fit that cannot be tested"
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
    """Return the range of the limits beyond the tightest cut with limits in most windows, of the first method."""
    for method in methods:
        limits: dict[float, list[float]] = {}
        for _, cut in results(method):
            if "observed" in cut.limits and not cut.failure:
                limits.setdefault(cut.efficiency, []).append(cut.limits["observed"])
        if limits:
            efficiency = min(limits, key=lambda cut: (-len(limits[cut]), cut))
            low, high = min(limits[efficiency]), max(limits[efficiency])
            numbers = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}, by window"
            return [
                f"Upper limit at 95% CL on signal entries beyond the cut ({method.method}, "
                f"{cut_label(efficiency)}): {numbers}."
            ]
    return []


def warnings(record: SearchRecord) -> list[str]:
    """Return what a reader of the numbers must know first, the record's own notes among it."""
    found = list(record.notes)
    names = [method.method for method in record.methods if not method.failure]
    searches = [name for name in names if name not in BENCHMARKS] or names
    for method in (with_trusted_global(record, method) for method in record.methods):
        if method.failure:
            found.append(f"{method.method} has no result: {method.failure.rstrip('.')}.")
        elif method.null is not None and method.null.p_global is not None and method.null.p_global < SIGNIFICANT:
            found.append(
                f"The null twin of {method.method}, which has no signal, has a global p-value of "
                f"{show_global(method.null)}: by chance, or because its p-values are too small. Do not trust them "
                "before other seeds of it have said which."
            )
    lost = sum(bool(cut.failure) for method in record.methods for _, cut in results(method))
    if lost:
        found.append(f"{counted(lost, 'cut')} without a p-value: section “{FAILED}” names each, with its reason.")
    if weak := weak_fits(record):
        places = "; ".join(finding.place for finding in weak[:_SHOWN]) + ("; …" if len(weak) > _SHOWN else "")
        found.append(
            f"{counted(len(weak), 'p-value')} of a fit without a degree of freedom, or of fewer than {FEWEST} entries "
            f"beside the window, not to be believed: {places}."
        )
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


def show_p(p: float) -> str:
    """Return a p-value in words.

    >>> from hepad.searches.answer import show_p
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

    >>> from hepad.searches.answer import show_z
    >>> show_z(4.96), show_z(-0.31), show_z(-0.01)
    ('5.0σ', '−0.3σ', '0.0σ')
    """
    return f"{round(z, 1) + 0.0:.1f}σ".replace("-", "−")


def show_global(method: MethodResult) -> str:
    """Return a method's global p-value in words, with the number of toys; empty where it has none."""
    if method.p_global is None:
        return ""
    toys = f" ({method.toys:,} toys)" if method.toys else ""
    if _none_as_extreme(method):
        return f"at most {show_p(1 / (method.toys + 1))} (none of {method.toys:,} toys is as extreme)"
    return f"{show_p(method.p_global)}{toys}"


def brief_global(method: MethodResult) -> str:
    """Return a method's global p-value as a figure takes it, such as `≤ 0.005`; empty where it has none."""
    if method.p_global is None:
        return ""
    return f"{'≤' if _none_as_extreme(method) else '='} {show_p(method.p_global)}"


def _none_as_extreme(method: MethodResult) -> bool:
    """Return whether a global p-value is the (k + 1) / (n + 1) of no toy."""
    return method.p_global is not None and method.toys > 0 and method.p_global * (method.toys + 1) < 1.01
