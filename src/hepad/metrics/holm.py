"""Many tests at once."""

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.samples import FloatArray


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's adjusted p-values of K tests (Scandinavian Journal of Statistics 6 (1979) 65).

    Calling a difference real where the adjusted value is below α makes one false claim or more with a probability of
    at most α, however the tests depend on each other: p̃₍ᵢ₎ = max over j ≤ i of (K − j + 1)·p₍ⱼ₎, at most 1.

    Args:
        p_values: (K,) in [0, 1]; none is fine.

    Returns:
        (K,) in the order given, never smaller than the p-value itself.

    >>> from hepad.metrics import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    rising = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(rising, 1.0)
    return adjusted
