"""Sensitivity of a score to what it should not see: the orientation of an entry."""

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.samples import FloatArray


def rms_over_spread(scores: ArrayLike) -> float | None:
    """Return how much scores move under the transformations of a symmetry, as a share of their whole spread.

    √(mean over entries of the variance over transformations) / standard deviation of all scores. It is 0 for a score
    that does not see the transformation, and 1 for one that sees nothing else; its square is one minus the
    intraclass correlation.

    Args:
        scores: `(T, N)`, N entries under T transformations, the identity among them.

    Returns:
        A number from 0 to 1, or None where all scores are alike.

    Raises:
        ValueError: not a table, or NaN or inf in it.
    """
    values = _table(scores)
    # Counted from one of them, alike scores have no spread at all; without that, rounding would give them one.
    spread = float((values - values[0, 0]).std())
    within = float(np.sqrt((values - values[0]).var(axis=0).mean()))
    return None if spread == 0 else min(1.0, within / spread)


def change_by_transformation(scores: ArrayLike, spread: float) -> FloatArray:
    """Return the RMS change of the scores `(T, N)` under each transformation but the first, in units of `spread`."""
    values = _table(scores)
    changes: FloatArray = np.sqrt(np.square(values[1:] - values[0]).mean(axis=1)) / spread
    return changes


def _table(scores: ArrayLike) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"scores of shape {values.shape}: a table (transformations, entries) of finite numbers is needed"
        )
    return values
