"""Performance of a method where the truth is known: significance improvement of cuts on its scores, with a 68% band."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.metrics import MIN_ENTRIES, auc, roc_curve
from hepad.searches.record import Performance

_POINTS: Final = 60


def performance(background: NDArray[np.float64], signal: NDArray[np.float64]) -> Performance | None:
    """Return SIC = ε_S/√ε_B on a grid of ε_S; None where there is too little of either.

    σ(SIC)/SIC = √((1 − ε_S)/(ε_S N_S) + (1 − ε_B)/(4 ε_B N_B)), the binomial errors of both efficiencies. Cuts that
    fewer than ten entries of background pass have no SIC. Of the maximum it is the error at its cut, which does not
    know that it was chosen among many.

    Args:
        background: `(N,)` scores in the window, each by a model that has not seen the entry.
        signal: `(M,)` the same.

    >>> import numpy as np
    >>> from hepad.searches.performance import performance
    >>> rng = np.random.default_rng(0)
    >>> blind = performance(rng.normal(size=20_000), rng.normal(size=2_000))
    >>> sharp = performance(rng.normal(size=20_000), rng.normal(2, size=2_000))
    >>> blind.max_sic < 2 < sharp.max_sic, round(blind.auc, 1)
    (True, 0.5)
    """
    if len(background) < MIN_ENTRIES or len(signal) < 2:
        return None
    roc = roc_curve(background, signal)
    known = roc.selected >= MIN_ENTRIES
    wanted = np.geomspace(0.01, 1.0, _POINTS)
    # The tightest cut that keeps as much of the signal.
    place = np.minimum(np.searchsorted(roc.tpr, wanted), len(roc.tpr) - 1)
    grid = [_sic(roc.tpr[i], roc.fpr[i], len(signal), len(background)) if known[i] else None for i in place]
    at = int(np.argmax(np.where(known & (roc.fpr > 0), roc.tpr / np.sqrt(np.maximum(roc.fpr, 1e-300)), -1.0)))
    best = _sic(roc.tpr[at], roc.fpr[at], len(signal), len(background))
    return Performance(
        efficiency=wanted.tolist(),
        sic=[None if found is None else found[0] for found in grid],
        low=[None if found is None else found[1] for found in grid],
        high=[None if found is None else found[2] for found in grid],
        max_sic=best[0], max_sic_low=best[1], max_sic_high=best[2],
        auc=auc(background, signal),
    )  # fmt: skip


def _sic(tpr: float, fpr: float, n_signal: int, n_background: int) -> tuple[float, float, float]:
    sic = tpr / np.sqrt(fpr)
    variance = (1 - fpr) / (4 * fpr * n_background) + ((1 - tpr) / (tpr * n_signal) if tpr > 0 else 0.0)
    half = sic * np.sqrt(variance)
    return float(sic), float(max(0.0, sic - half)), float(sic + half)
