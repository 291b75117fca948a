"""Bin edges that fit what is plotted: heavy tails, whole numbers, fractions."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

HEAVY_TAIL: Final = 30.0
"""A positive quantity whose largest values exceed its smallest this many times gets a logarithmic axis."""

MAX_WHOLE_BINS: Final = 80

_TAIL: Final = 1e-3
"""Share of the values at either end that is left to the underflow and the overflow."""

FloatArray = NDArray[np.float64]


def is_heavy_tailed(values: FloatArray) -> bool:
    """Whether a logarithmic axis shows the values better: none negative, few zero, and spread over decades."""
    if values.size == 0 or values.min() < 0 or np.count_nonzero(values) < 0.9 * values.size:
        return False
    low, high = np.quantile(values[values > 0], [0.001, 0.999])
    return bool(high > HEAVY_TAIL * low)


def edges(values: FloatArray, n_bins: int, log: bool) -> FloatArray:
    """Edges of `n_bins` bins over all values but a thousandth at either end.

    Args:
        values: (N,) finite values.
        n_bins: how many bins.
        log: equal bins of the logarithm of the positive values.
    """
    shown = values[values > 0] if log else values
    low, high = (float(edge) for edge in np.quantile(shown, [_TAIL, 1 - _TAIL]))
    if not low < high:
        # All but a few values are equal: a bin around them is all there is to show.
        return np.linspace(low - 0.5, low + 0.5, n_bins + 1)
    if log:
        return np.geomspace(low, high, n_bins + 1)
    return np.linspace(low, high, n_bins + 1)


def feature_edges(values: FloatArray, n_bins: int) -> tuple[FloatArray, bool]:
    """Edges for an observable, and whether its axis is logarithmic.

    Counts get bins one or more whole numbers wide, centred on them.
    """
    low, high = float(values.min()), float(np.quantile(values, 0.999))
    if np.array_equal(values, np.rint(values)) and high - low < 20 * MAX_WHOLE_BINS:
        width = max(1, int(np.ceil((high - low + 1) / MAX_WHOLE_BINS)))
        return np.arange(low - 0.5, high + 0.5 + width, width), False
    log = is_heavy_tailed(values)
    return edges(values, n_bins, log), log
