"""Conformal p-values of scores: how much of the background is at least as anomalous."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.samples import FloatArray, as_scores, as_weights, effective_entries, weight_from


@dataclass(frozen=True, eq=False)
class ScoreCalibration:
    """Scores of background entries that did not train, to say how rare a score is.

    p = (1 + #{calibration ≥ score}) / (n + 1) is, for new background entries and without ties, uniform on its n + 1
    values whatever the model is (Vovk, Gammerman, Shafer, *Algorithmic Learning in a Random World*, 2005; Bates et
    al., Ann. Statist. 51, 149, 2023); with ties it is larger. Weighted entries count by weight, and n is what
    they are worth, (Σw)² / Σw².

    Attributes:
        score: (n,) rising.
        beyond: (n + 1,) how many entries lie from each position on.

    >>> from hepad.metrics import ScoreCalibration
    >>> calibration = ScoreCalibration.of([1.0, 2.0, 3.0, 4.0])
    >>> calibration.p_values([0.0, 3.0, 9.0])
    array([1. , 0.6, 0.2])
    """

    score: FloatArray
    beyond: FloatArray

    @classmethod
    def of(cls, scores: ArrayLike, weight: ArrayLike | None = None) -> "ScoreCalibration":
        """Return the calibration by (n,) scores of background with (n,) weights; None where each counts once.

        Raises:
            ValueError: no scores, NaN or infinite ones, or weights that are no weights.
        """
        values = as_scores(scores, "scores of the calibration")
        w = as_weights(weight, values.size, "entries of the calibration")
        order = np.argsort(values, kind="stable")
        if w is None:
            return cls(values[order], np.arange(values.size, -1, -1, dtype=np.float64))
        beyond = weight_from(w[order])
        return cls(values[order], beyond * (effective_entries(w) / beyond[0]))

    @property
    def worth(self) -> float:
        """Number of entries, of weighted ones how many they are worth."""
        return float(self.beyond[0])

    def p_values(self, scores: ArrayLike) -> FloatArray:
        """Return the p-value of each score, `(N,)`; NaN for NaN."""
        values: NDArray[np.float64] = np.asarray(scores, dtype=np.float64)
        beyond = self.beyond[np.searchsorted(self.score, values, side="left")]
        return np.where(np.isnan(values), np.nan, (1 + beyond) / (self.worth + 1))
