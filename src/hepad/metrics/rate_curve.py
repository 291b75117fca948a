"""The rate of a trigger against its threshold, and scores as whole numbers of a few bits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.operating_points import share_beyond
from hepad.metrics.samples import FloatArray, as_scores, as_weights, effective_entries
from hepad.metrics.working_points import MIN_ENTRIES, trigger_rate


@dataclass(frozen=True, eq=False)
class RateCurve:
    """The rate that a threshold lets through, if every crossing of filled bunches is like the background.

    Attributes:
        threshold: `(P,)` rising.
        rate, low, high: `(P,)` in Hz, with Clopper and Pearson's 68.3% interval.
        entries: how many the background has, or is worth where it is weighted.

    >>> import numpy as np
    >>> from hepad.metrics.rate_curve import rate_curve
    >>> curve = rate_curve(np.arange(1000.0))
    >>> f"{curve.threshold[-1]:g}: {curve.rate[-1] / 1e3:.0f} kHz"
    '989: 286 kHz'
    """

    threshold: FloatArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray
    entries: float


def rate_curve(background: ArrayLike, weight: ArrayLike | None = None, points: int = 120) -> RateCurve:
    """Return rates at thresholds from the lowest score to the last that ten entries lie beyond.

    Args:
        background: `(N,)` scores of entries that did not train.
        weight: `(N,)`; None where every entry counts once.
        points: how many thresholds, closer to each other where less lies beyond.

    Raises:
        ValueError: fewer than eleven entries, or no threshold with ten beyond.
    """
    b = as_scores(background, "background scores")
    w = as_weights(weight, b.size, "background entries")
    if b.size <= MIN_ENTRIES:
        raise ValueError(f"{b.size} background entries; a rate needs {MIN_ENTRIES} beyond a threshold")
    ordered = np.sort(b)
    beyond = np.unique(np.geomspace(MIN_ENTRIES, b.size - 1, points).astype(int))[::-1]
    cuts = np.unique(ordered[b.size - 1 - beyond])
    # Of equal scores all lie beyond a threshold or none does; of weights what they are worth counts.
    worth = np.ones(b.size) if w is None else w
    cuts = cuts[[bool((b > cut).any()) and effective_entries(worth[b > cut]) >= MIN_ENTRIES for cut in cuts]]
    if not cuts.size:
        raise ValueError(f"no threshold has {MIN_ENTRIES} background entries beyond it")
    shares = [share_beyond(b, float(cut), w) for cut in cuts]
    rate, low, high = (
        np.array([trigger_rate(getattr(share, name)) for share in shares]) for name in ("value", "low", "high")
    )
    return RateCurve(cuts, rate, low, high, float(b.size if w is None else effective_entries(w)))


def quantised(scores: ArrayLike, bits: int, low: float, high: float) -> NDArray[np.int64]:
    """Return scores as whole numbers from 0 to 2^bits − 1, in equal steps from `low` to `high`; beyond they saturate.

    >>> from hepad.metrics.rate_curve import quantised
    >>> quantised([-1.0, 0.0, 0.5, 1.0, 9.0], 8, 0.0, 1.0)
    array([  0,   0, 128, 255, 255])
    """
    largest = 2**bits - 1
    span = high - low if high > low else 1.0
    steps = (np.asarray(scores, dtype=np.float64) - low) / span * largest
    whole: NDArray[np.int64] = np.rint(np.clip(steps, 0, largest)).astype(np.int64)
    return whole
