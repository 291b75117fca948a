"""Numbers at a cut on the score: efficiency at a fixed false-positive rate, SIC, trigger rate.

Each is given only where enough background entries lie beyond the cut to know where the cut is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.roc import RocCurve
from hepad.metrics.samples import FloatArray, as_scores, as_weights, effective_entries, weight_from

_ROUNDING: Final = 1e-12

MIN_ENTRIES: Final = 10
"""Background entries that must lie beyond a cut; 10 entries place it within about 30%."""

BUNCH_CROSSING_RATE: Final = 2544 * 11.245e3
"""Crossings of filled bunches per second (Hz) in the LHC of 2016-2018: 2544 bunches × 11.245 kHz = 28.61 MHz."""


def tpr_at_fpr(
    background: ArrayLike,
    signal: ArrayLike,
    fpr: float,
    min_entries: int = MIN_ENTRIES,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> float | None:
    """The share of the signal beyond the cut that lets through at most `fpr` of the background.

    The cut is one that can be applied: `score > t`, with the lowest t that keeps the false-positive rate at or
    below `fpr`. Nothing is interpolated, so tied background scores are all kept or all removed.

    Args:
        background: (N,) scores of the background.
        signal: (M,) scores of the signal.
        fpr: the allowed false-positive rate, in (0, 1].
        min_entries: background entries that must lie beyond the cut; weighted ones must be worth as many, (Σw)² / Σw².
        background_weight: (N,) weights of the background; None where every entry counts once.
        signal_weight: (M,) weights of the signal.

    Returns:
        The true-positive rate, or None where fewer than `min_entries` background entries lie beyond the cut.

    Raises:
        ValueError: empty input, NaN or infinite scores, weights that are no weights, or `fpr` outside (0, 1].

    >>> import numpy as np
    >>> from hepad.metrics import tpr_at_fpr
    >>> background, signal = np.arange(1000), np.arange(500, 1500)
    >>> tpr_at_fpr(background, signal, fpr=0.01)
    0.51
    >>> tpr_at_fpr(background, signal, fpr=0.001) is None
    True
    """
    if not 0 < fpr <= 1:
        raise ValueError(f"false-positive rate {fpr}: expected a number above 0 and at most 1")
    b, s = as_scores(background, "background scores"), as_scores(signal, "signal scores")
    wb = as_weights(background_weight, b.size, "background entries")
    ws = as_weights(signal_weight, s.size, "signal entries")
    cut = trusted_cut(b, fpr, wb, min_entries)
    return None if cut is None else _share_beyond(s, ws, cut)


def trusted_cut(
    background: FloatArray, fpr: float, weight: FloatArray | None = None, min_entries: int = MIN_ENTRIES
) -> float | None:
    """The cut of `cut_at_fpr`; None where fewer than `min_entries`, or weighted ones worth as many, lie beyond it.

    >>> import numpy as np
    >>> from hepad.metrics.working_points import trusted_cut
    >>> trusted_cut(np.arange(1000.0), 0.01), trusted_cut(np.arange(1000.0), 0.009)
    (989.0, None)
    """
    cut = cut_at_fpr(background, fpr, weight)
    beyond = background > cut
    worth = np.count_nonzero(beyond) if weight is None else effective_entries(weight[beyond])
    return None if worth < min_entries else cut


def cut_at_fpr(background: FloatArray, fpr: float, weight: FloatArray | None = None) -> float:
    """The lowest score, or −inf, beyond which (`score > cut`) at most the share `fpr` of the background lies.

    Args:
        background: (N,) scores.
        fpr: the allowed share, in (0, 1].
        weight: (N,) weights; None where every entry counts once.

    >>> import numpy as np
    >>> from hepad.metrics.working_points import cut_at_fpr
    >>> cut_at_fpr(np.arange(1000.0), 0.01)
    989.0
    """
    if weight is not None:
        return _weighted_cut(background, weight, fpr)
    # A rate such as 1e-3 of 10 000 entries is 10 entries, whatever the last binary digit says.
    allowed = int(np.floor(fpr * background.size * (1 + _ROUNDING)))
    last = background.size - allowed - 1
    return float(np.partition(background, last)[last]) if last >= 0 else -np.inf


def _weighted_cut(background: FloatArray, weight: FloatArray, fpr: float) -> float:
    """The lowest score, or −inf, beyond which at most `fpr` of the weight lies."""
    order = np.argsort(background, kind="stable")
    scores, above = background[order], weight_from(weight[order])
    # What lies beyond a score begins after the last entry that has it.
    beyond = above[np.searchsorted(scores, scores, "right")]
    allowed = fpr * above[0] * (1 + _ROUNDING)
    if above[0] <= allowed:
        return -np.inf
    return float(scores[np.argmax(beyond <= allowed)])


def _share_beyond(scores: FloatArray, weight: FloatArray | None, cut: float) -> float:
    if weight is None:
        return float(np.count_nonzero(scores > cut) / scores.size)
    return float(weight[scores > cut].sum() / weight.sum())


def fpr_name(fpr: float) -> str:
    """A false-positive rate as metric names spell it: 0.01 → `1e-2`.

    >>> from hepad.metrics import fpr_name
    >>> fpr_name(0.01), fpr_name(0.00025)
    ('1e-2', '2.5e-4')
    """
    mantissa, exponent = f"{fpr:e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


@dataclass(frozen=True, eq=False)
class SicCurve:
    """Significance improvement against signal efficiency.

    Attributes:
        tpr: (P,) signal efficiency.
        sic: (P,) TPR / √FPR, the factor by which a cut multiplies S/√B.

    >>> from hepad.metrics import roc_curve, sic_curve
    >>> sic_curve(roc_curve([1.0, 2.0, 3.0, 4.0], [4.0, 5.0]), min_entries=1).sic
    array([2.        , 1.41421356, 1.15470054, 1.        ])
    """

    tpr: FloatArray
    sic: FloatArray


def sic_curve(roc: RocCurve, min_entries: int = MIN_ENTRIES) -> SicCurve:
    """The significance improvement characteristic, TPR / √FPR (Gallicchio et al., JHEP 04 (2011) 069).

    Only points with at least `min_entries` background entries beyond the cut; there may be none.

    >>> import numpy as np
    >>> from hepad.metrics import roc_curve, sic_curve
    >>> rng = np.random.default_rng(0)
    >>> curve = sic_curve(roc_curve(rng.normal(0, 1, 10_000), rng.normal(2, 1, 10_000)))
    >>> best = curve.sic.argmax()
    >>> f"TPR {curve.tpr[best]:.2f}: S/√B times {curve.sic[best]:.1f}"
    'TPR 0.19: S/√B times 5.5'
    """
    known = roc.selected >= max(min_entries, 1)
    return SicCurve(roc.tpr[known], roc.tpr[known] / np.sqrt(roc.fpr[known]))


def max_sic(roc: RocCurve, min_entries: int = MIN_ENTRIES) -> float | None:
    """The largest significance improvement of a cut that keeps `min_entries` of the background, if there is one.

    >>> from hepad.metrics import max_sic, roc_curve
    >>> roc = roc_curve([1.0, 2.0, 3.0, 4.0], [4.0, 5.0])
    >>> max_sic(roc, min_entries=1), max_sic(roc)
    (2.0, None)
    """
    curve = sic_curve(roc, min_entries)
    return float(curve.sic.max()) if curve.sic.size else None


def trigger_rate(fpr: float) -> float:
    """The rate (Hz) of a trigger that accepts the share `fpr` of crossings: FPR × 28.61 MHz.

    >>> from hepad.metrics import trigger_rate
    >>> f"{trigger_rate(1e-4) / 1e3:.2f} kHz"
    '2.86 kHz'
    """
    return fpr * BUNCH_CROSSING_RATE
