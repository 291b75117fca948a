"""Masses of a template: draws of a kernel density estimate of the observable in a window."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BANDWIDTH: Final = 0.01


def draw_masses(
    mass: NDArray[np.float64], low: float, high: float, n: int, rng: np.random.Generator, bandwidth: float = _BANDWIDTH
) -> NDArray[np.float64]:
    """Return `n` draws from a Gaussian kernel density of logit((m − low) / (high − low)), all inside the window.

    As CATHODE draws the masses of its template (Hallin et al., arXiv:2109.00546), with its bandwidth.

    Args:
        mass: `(N,)` values; those outside the window are left out.
        low, high: ends of the window.
        n: how many.
        rng: the random numbers.
        bandwidth: of the kernel, in the logit.

    Raises:
        ValueError: no value in the window.

    >>> import numpy as np
    >>> from hepad.searches.mass import draw_masses
    >>> drawn = draw_masses(np.array([3400.0, 3500.0]), 3300.0, 3700.0, 1000, np.random.default_rng(0))
    >>> bool(((3300 < drawn) & (drawn < 3700)).all()), np.unique(drawn.round(-2)).tolist()
    (True, [3400.0, 3500.0])
    """
    inside = mass[(low <= mass) & (mass < high)]
    if not len(inside):
        raise ValueError(f"no value between {low:g} and {high:g}")
    # A value at an end has no logit; it is moved by less than the kernel does.
    share = np.clip((inside - low) / (high - low), 1e-6, 1 - 1e-6)
    logit = rng.choice(np.log(share / (1 - share)), n) + bandwidth * rng.standard_normal(n)
    drawn = low + (high - low) / (1 + np.exp(-logit))
    return np.clip(drawn, np.nextafter(low, high), np.nextafter(high, low))
