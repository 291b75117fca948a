"""Local and global p-values of a scan from toys."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.spectrum import FloatArray


@dataclass(frozen=True)
class GlobalP:
    """Probability of an excess as significant as the largest one, anywhere in the scan, without a signal.

    Attributes:
        p: (k + 1)/(n + 1), never 0.
        error: its binomial standard error.
        exceeding: k, toys whose largest Z is that of the data or more.
        toys: n, toys with a result.
        best: channel and window of the largest Z.
        best_z: that Z.
        bound: 1 − Φ(Z) times the number of windows, which p is not above if the asymptotic formula holds; the number to
            quote where no toy exceeds the data.
        local: `(C, W)` local p-values of the same toys, (k + 1)/(n + 1) in each window.

    >>> import numpy as np
    >>> from hepad.stats import global_p
    >>> found = global_p([[2.5, 0.1]], np.random.default_rng(0).normal(size=(999, 1, 2)))
    >>> found.p, found.best, found.local.round(3).tolist()
    (0.009, (0, 0), [[0.004, 0.45]])
    """

    p: float
    error: float
    exceeding: int
    toys: int
    best: tuple[int, int]
    best_z: float
    bound: float
    local: FloatArray

    @property
    def z(self) -> float:
        """Global significance, Φ⁻¹(1 − p)."""
        return float(norm.isf(self.p))


def global_p(z: ArrayLike, toys: ArrayLike) -> GlobalP:
    """Return the global p-value of a scan: the share of toys with a Z as large, in any channel and window.

    The largest Z is the smallest local p-value (`-ln min p` is BumpHunter's statistic: G. Choudalakis,
    arXiv:1101.0390). A window whose fit did not converge has no Z, in data and toys alike.

    Args:
        z: `(C, W)` of data.
        toys: `(T, C, W)` of toys (`scan_toys`).

    Raises:
        UserError: different windows, or no window or toy with a result.

    >>> import numpy as np
    >>> from hepad.stats import global_p
    >>> toys = np.random.default_rng(0).normal(size=(999, 3, 9))
    >>> one, all_of_27 = global_p([[2.5]], toys[:, :1, :1]), global_p(np.full((3, 9), 2.5), toys)
    >>> one.p, all_of_27.p
    (0.005, 0.147)
    """
    found, drawn = np.atleast_2d(np.asarray(z, dtype=np.float64)), np.asarray(toys, dtype=np.float64)
    if drawn.ndim != 3 or drawn.shape[1:] != found.shape:
        raise UserError(f"toys {drawn.shape} of other channels and windows than the data, {found.shape}")
    usable = np.isfinite(drawn).any(axis=(1, 2))
    if not np.isfinite(found).any() or not usable.any():
        raise UserError("no window of the scan or no toy has a result: no fit converged")
    best = np.unravel_index(int(np.nanargmax(found)), found.shape)
    largest = float(found[best])
    drawn = drawn[usable]
    exceeding, n = int((np.nanmax(drawn, axis=(1, 2)) >= largest).sum()), len(drawn)
    p = (exceeding + 1) / (n + 1)
    # A comparison with NaN is false, so toys without a result in a window are not counted there.
    local = ((drawn >= found).sum(axis=0) + 1) / (np.isfinite(drawn).sum(axis=0) + 1)
    local = np.where(np.isfinite(found), local, np.nan)
    error = float(np.sqrt(p * (1 - p) / n))
    bound = min(1.0, float(norm.sf(largest)) * int(np.isfinite(found).sum()))
    return GlobalP(p, error, exceeding, n, (int(best[0]), int(best[1])), largest, bound, local)
