"""Checks of a search's record beyond its types: ends in order, columns of one length, names that are known."""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Final

from hepad.rundir.parsing import shown
from hepad.searches.record import (
    Closure,
    CutResult,
    MethodResult,
    Performance,
    SearchRecord,
    SignalModel,
    Spectrum,
    Window,
    WindowResult,
)

LIMITS: Final = ("observed", "-2", "-1", "median", "1", "2")
"""Names of the limits of a cut."""


def problems_of(record: SearchRecord) -> Iterator[str]:
    """Yield what cannot be in a record whose values have the right types, a sentence each; nothing where all can."""
    yield from _twice("window", [window.name for window in record.windows])
    yield from _twice("method", [method.method for method in record.methods])
    for window in record.windows:
        yield from _of_window(window)
    if record.null_kind not in ("", "background", "shuffled"):
        yield f"null_kind={shown(record.null_kind)}; background, shuffled or nothing is needed"
    known = {window.name for window in record.windows}
    for method in record.methods:
        yield from _of_method(method, known)
        if method.null is not None:
            if method.null.null is not None:
                yield f"the null twin of {shown(method.method)} has a null twin"
            yield from _of_method(method.null, known)


def _of_window(window: Window) -> Iterator[str]:
    ends = [(window.low, window.high), *window.sidebands]
    if not window.name or any(not low < high for low, high in ends):
        yield f"window {shown(window.name)!r} has no name, or ends that do not rise"


def _of_method(method: MethodResult, known: Set[str]) -> Iterator[str]:
    name = shown(method.method)
    if not method.method:
        yield "a method has no name"
    yield from _share(f"{name}: p_global", method.p_global)
    if method.toys < 0:
        yield f"{name}: toys={method.toys}; 0 or more are needed"
    yield from _twice(f"{name}: window", [window.window for window in method.windows])
    for window in method.windows:
        if window.window not in known:
            yield f"{name}: window {shown(window.window)} is not among those of the scan"
        for problem in _of_result(window):
            yield f"{name}, {shown(window.window)}: {problem}"


def _of_result(window: WindowResult) -> Iterator[str]:
    if window.seconds < 0:
        yield f"seconds={window.seconds:g}; 0 or more are needed"
    yield from _twice("efficiency", [f"{cut.efficiency!r}" for cut in window.cuts])
    for cut in window.cuts:
        for problem in _of_cut(cut):
            yield f"efficiency {cut.efficiency:g}: {problem}"
    if window.closure is not None:
        yield from _of_closure(window.closure)
    if window.performance is not None:
        yield from _of_performance(window.performance)
    yield from _columns("found", window.found)
    if window.signal_model is not None:
        yield from _of_signal(window.signal_model)
    for name, values in window.template_features.items():
        if len(values) > 100_000:
            yield f"template_features.{shown(name)} has {len(values):,} values"


def _of_cut(cut: CutResult) -> Iterator[str]:
    if not 0 < cut.efficiency <= 1:
        yield "a number above 0, and of 1 at most, is needed"
    for name, share in {"p": cut.p, "p_toys": cut.p_toys}.items():
        yield from _share(name, share)
    counts = {"observed": cut.observed, "signal": cut.signal, "error": cut.error}
    for name, value in {**counts, **{f"limits.{key}": limit for key, limit in cut.limits.items()}}.items():
        if value is not None and value < 0:
            yield f"{name}={value:g}; 0 or more is needed"
    for name in cut.limits:
        if name not in LIMITS:
            yield f"limits.{shown(name)}; known are {', '.join(LIMITS)}"
    if cut.spectrum is not None:
        yield from _of_spectrum(cut.spectrum)


def _of_spectrum(spectrum: Spectrum) -> Iterator[str]:
    bins = len(spectrum.counts)
    if not bins or len(spectrum.edges) != bins + 1:
        yield f"a spectrum of {bins} bins has {len(spectrum.edges)} edges"
    if any(not low < high for low, high in pairwise(spectrum.edges)):
        yield "the edges of a spectrum do not rise"
    for name, values in {"expected": spectrum.expected, "errors": spectrum.errors}.items():
        if values and len(values) != bins:
            yield f"a spectrum of {bins} bins has {len(values)} {name}"
    if any(error < 0 for error in spectrum.errors):
        yield "a spectrum has errors below 0"
    yield from _share("p_fit", spectrum.p_fit)


def _of_closure(closure: Closure) -> Iterator[str]:
    for name, share in {"closure.auc": closure.auc, "closure.floor": closure.floor}.items():
        yield from _share(name, share)
    for name, error in {"closure.error": closure.error, "closure.floor_error": closure.floor_error}.items():
        if error < 0:
            yield f"{name}={error:g}; 0 or more is needed"


def _of_performance(found: Performance) -> Iterator[str]:
    points = len(found.efficiency)
    for name, values in {"sic": found.sic, "low": found.low, "high": found.high}.items():
        if len(values) != points:
            yield f"performance.{name} has {len(values)} values for {points} efficiencies"
    yield from _share("performance.auc", found.auc)


def _of_signal(signal: SignalModel) -> Iterator[str]:
    yield from _share("signal_model.fraction", signal.fraction)
    if signal.spread < 0:
        yield f"signal_model.spread={signal.spread:g}; 0 or more is needed"
    for name, columns in {"features": signal.features, "truth": signal.truth}.items():
        yield from _columns(f"signal_model.{name}", columns)


def _columns(name: str, columns: Mapping[str, Sequence[float]]) -> Iterator[str]:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        yield f"the columns of {name} have {' and '.join(map(str, sorted(lengths)))} values"


def _share(name: str, value: float | None) -> Iterator[str]:
    if value is not None and not 0 <= value <= 1:
        yield f"{name}={value:g}; a number from 0 to 1 is needed"


def _twice(what: str, names: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    twice = next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]
    if twice is not None:
        yield f"{what} {shown(twice)} stands there twice"
