"""Records of searches written by hand: a falling spectrum with a bump, several methods, and a null twin without one.

Numbers are such as a search of dijets gives; none of them comes from a training.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hepad.searches.record import (
    Closure,
    CutResult,
    MethodResult,
    Performance,
    SearchRecord,
    Spectrum,
    Window,
    WindowResult,
)

FEATURES = ("m_j1", "delta_m", "tau21_j1", "tau21_j2", "delta_r")
METHODS = {"idealized": 14.0, "cathode": 11.0, "cwola": 6.0}
"""Method → how much it raises S/√B at its best."""

PEAK = 3500.0
EDGES = np.linspace(2600, 5600, 31)
TOTAL = 90_000


def background(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of background entries in bins of m_jj: the dijet function with three parameters."""
    x = (edges[1:] + edges[:-1]) / 2 / 13_000
    shape = (1 - x) ** 8 / x**5 * np.diff(edges)
    full = np.linspace(2600, 8000, 200)
    mid = (full[1:] + full[:-1]) / 2 / 13_000
    return TOTAL * shape / float(((1 - mid) ** 8 / mid**5 * np.diff(full)).sum())


def significance(n: float, b: float, error: float) -> float:
    """Return the asymptotic Z of a count with an uncertain background (Cowan, Cranmer, Gross, Vitells 2010)."""
    if error <= 0 or n <= 0:
        return 0.0
    s2 = error**2
    first = n * np.log(n * (b + s2) / (b**2 + n * s2))
    second = b**2 / s2 * np.log(1 + s2 * (n - b) / (b * (b + s2)))
    return float(np.sign(n - b) * np.sqrt(max(0.0, 2 * (first - second))))


def _windows(n: int) -> list[Window]:
    ends = np.linspace(3000, 4800, n + 1) if n > 1 else np.array([3300.0, 3700.0])
    return [
        Window(f"w{i}", float(low), float(high), ((2600.0, float(low)), (float(high), 5600.0)))
        for i, (low, high) in enumerate(pairwise(ends))
    ]


def _cut(
    rng: np.random.Generator, window: Window, efficiency: float, gain: float, n_signal: float, failing: bool
) -> CutResult:
    truth = background(EDGES) * efficiency
    centers = (EDGES[1:] + EDGES[:-1]) / 2
    share = min(1.0, gain * np.sqrt(efficiency) * 0.9) if efficiency < 1 else 1.0
    bump = norm.pdf(centers, PEAK, 110) * np.diff(EDGES) * n_signal * share
    signal = rng.poisson(bump)
    counts = rng.poisson(truth) + signal
    inside = (centers > window.low) & (centers < window.high)
    observed, kept = int(counts[inside].sum()), int(signal[inside].sum())
    spectrum = Spectrum(tuple(EDGES.tolist()), tuple(counts.tolist()))
    if failing or observed < 10:
        reason = "the fit of dijet_3 did not converge" if observed >= 10 else f"{observed} entries beyond the cut"
        return CutResult(efficiency, observed, spectrum=spectrum, signal=kept, failure=f"{reason}.")
    expected = truth * (1 + 0.02 * rng.normal())
    errors = expected * (0.02 + 0.03 * np.abs(centers - 3500) / 2000) + 0.05
    b, error = float(expected[inside].sum()), float(errors[inside].sum()) / 2
    z = significance(observed, b, error)
    up = 2.0 * np.sqrt(b + error**2) + 3
    limits = {"-2": 0.54 * up, "-1": 0.72 * up, "median": up, "1": 1.39 * up, "2": 1.86 * up}
    chi2 = float((((counts - expected) ** 2) / np.maximum(expected, 1e-9))[~inside].sum())
    return CutResult(
        efficiency,
        observed,
        b,
        error,
        z,
        float(norm.sf(z)),
        limits={"observed": max(1.5, up + (observed - b)), **limits},
        spectrum=Spectrum(
            spectrum.edges,
            spectrum.counts,
            tuple(expected.tolist()),
            tuple(errors.tolist()),
            "dijet_3",
            {"p0": 8.1e4 * efficiency, "p1": 8.02, "p2": 4.97},
            chi2,
            int((~inside).sum()) - 3,
            float(rng.uniform(0.1, 0.9)),
        ),
        sculpting=float(0.002 / np.sqrt(efficiency) * rng.uniform(0.6, 1.4)),
        signal=kept,
    )


def _performance(gain: float, rng: np.random.Generator) -> Performance:
    efficiency = np.linspace(0.01, 1, 100)
    rise = (1 - np.exp(-efficiency / 0.12)) * (1 - efficiency) ** 0.9
    sic = np.sqrt(efficiency) + gain * rise / rise.max() * (1 + 0.02 * rng.normal(size=100))
    width = 0.05 + 0.25 * np.exp(-efficiency / 0.1)
    known = efficiency > 0.04
    values = {"sic": sic, "low": sic * (1 - width), "high": sic * (1 + width)}
    best = int(np.argmax(np.where(known, sic, 0)))
    columns = {
        name: tuple(float(v) if k else None for v, k in zip(found, known, strict=True))
        for name, found in values.items()
    }
    top = tuple(float(found[best]) for found in values.values())
    return Performance(tuple(efficiency.tolist()), **columns, max_sic=top[0], max_sic_low=top[1], max_sic_high=top[2],
                       auc=float(norm.cdf(np.log1p(gain) / 1.5)))  # fmt: skip


def _features(rng: np.random.Generator, n: int, signal: float) -> dict[str, NDArray[np.float64]]:
    is_signal = rng.random(n) < signal
    return {
        "m_j1": np.where(is_signal, rng.normal(100, 12, n), rng.gamma(3, 30, n)),
        "delta_m": np.where(is_signal, rng.normal(400, 30, n), rng.gamma(2, 60, n)),
        "tau21_j1": np.where(is_signal, rng.beta(3, 9, n), rng.beta(9, 5, n)),
        "tau21_j2": np.where(is_signal, rng.beta(3, 9, n), rng.beta(9, 5, n)),
        "delta_r": rng.normal(3.2, 0.3, n),
    }


def _result(
    rng: np.random.Generator,
    window: Window,
    efficiencies: Sequence[float],
    gain: float,
    n_signal: float,
    fails: bool,
    performance: bool,
    template: bool,
) -> WindowResult:
    there = window.low < PEAK + 100 and window.high > PEAK - 100
    cuts = [
        _cut(rng, window, efficiency, gain, n_signal, fails and efficiency == min(efficiencies))
        for efficiency in efficiencies
    ]
    n = min(cuts[-1].observed, 200)
    purity = min(0.95, (cuts[-1].signal or 0) / max(cuts[-1].observed, 1))
    rows = rng.choice(100_000, n, replace=False)
    found = {
        "rank": tuple(range(1, n + 1)),
        "row": tuple(rows.tolist()),
        "score": tuple(np.sort(rng.beta(9, 2, n))[::-1].tolist()),
        "m_jj": tuple(rng.uniform(window.low, window.high, n).tolist()),
        **{name: tuple(values.tolist()) for name, values in _features(rng, n, purity).items()},
        "run": tuple([1] * n),
        "lumi": tuple((1 + rows // 500).tolist()),
        "event": tuple((2**53 + 1 + rows).tolist()),
    }
    auc = 0.5 + 0.004 * abs(rng.normal()) + (0.01 if there and n_signal else 0.0)
    pulls = {name: (float(0.15 * rng.normal()), float(1 + 0.1 * rng.normal())) for name in FEATURES}
    closure = Closure(auc, 0.0035, 0.5 + 0.002 * float(rng.normal()), 0.0035, "side bands", pulls)
    return WindowResult(
        window.name,
        tuple(cuts),
        closure if template else None,
        _performance(gain, rng) if performance and n_signal and there else None,
        found,
        {name: tuple(values.tolist()) for name, values in _features(rng, 400, 0.0).items()} if template else {},
        float(rng.uniform(20, 60)),
    )


def fake_search(
    seed: int = 0,
    n_signal: int = 90,
    methods: Sequence[str] = tuple(METHODS),
    n_windows: int = 5,
    null: bool = True,
    unblinded: bool = True,
    failing: str = "cwola",
    efficiencies: Sequence[float] = (1.0, 0.1, 0.01, 0.001),
) -> SearchRecord:
    """Return a record; `failing` is the method whose tightest cut in the last window has no fit."""
    rng = np.random.default_rng(seed)
    windows = _windows(n_windows)

    def method(name: str, signal: float) -> MethodResult:
        learned = METHODS.get(name, 8.0) * min(1.0, signal / 200)
        results = [
            _result(
                rng,
                window,
                efficiencies,
                max(learned, 1.0),
                signal,
                name == failing and window is windows[-1],
                unblinded,
                name != "cwola",
            )
            for window in windows
        ]
        smallest = min((cut.p for r in results for cut in r.cuts if cut.p is not None), default=1.0)
        trials = n_windows * len(efficiencies) / 2
        # Of 500 toys at least the data themselves are as extreme.
        p_global = max(1 / 501, float(-np.expm1(trials * np.log1p(-min(smallest, 0.999)))))
        return MethodResult(name, tuple(results), p_global, 500)

    found = []
    for name in methods:
        searched, twin = method(name, n_signal), method(name, 0) if null else None
        found.append(MethodResult(name, searched.windows, searched.p_global, searched.toys, twin))
    return SearchRecord(
        "m_jj",
        "GeV",
        FEATURES,
        tuple(windows),
        tuple(found),
        {
            "data": {"entries": TOTAL + n_signal, "file": "dijets.h5", "sha256": "5f" * 32, "injected": n_signal},
            "extra_background": {"entries": 30_000, "file": "dijets_extra.h5", "sha256": "7a" * 32, "injected": None},
        },
        "background" if null else "",
        unblinded,
        ("The feature delta_r is correlated with m_jj (0.31).",),
        {"seed": seed, "folds": 5, "scan": {"windows": n_windows, "efficiencies": list(efficiencies)}},
    )
