"""Samples that are compared: arrays of scores and weights, checked, and what the score is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def as_scores(values: ArrayLike, what: str = "scores") -> FloatArray:
    """Values as a float64 array of shape (N,).

    Args:
        values: anything NumPy reads as a one-dimensional array of numbers.
        what: the name used in error messages.

    Raises:
        ValueError: not one-dimensional, empty, or some values are NaN or infinite (the message says how many).
    """
    array = as_column(values, what)
    if array.size == 0:
        raise ValueError(f"{what}: no entries")
    n_bad = count_non_finite(array)
    if n_bad:
        raise ValueError(f"{what}: {n_bad} of {array.size} values are NaN or infinite")
    return array


def as_column(values: ArrayLike, what: str) -> FloatArray:
    """Values as a float64 array of shape (N,), which may be empty or hold NaN."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what}: shape {array.shape}, expected one number per entry, (N,)")
    return array


def count_non_finite(array: NDArray[Any]) -> int:
    """Number of values that are NaN or infinite."""
    return int(array.size - np.count_nonzero(np.isfinite(array)))


def as_weights(weight: ArrayLike | None, n: int, what: str) -> FloatArray | None:
    """Weights as a float64 array `(n,)`; None where there are none, or where all are equal.

    Every number here is blind to a common factor, so equal weights are no weights, to the last bit.

    Args:
        weight: `(n,)` numbers from 0, or None.
        n: how many entries there are.
        what: the entries, for error messages.

    Raises:
        ValueError: another number of weights, NaN, infinite or negative ones, or nothing but zeros.
    """
    if weight is None:
        return None
    array = as_column(weight, f"weights of {what}")
    if array.size != n:
        raise ValueError(f"{array.size} weights for {n} {what}")
    if n_bad := count_non_finite(array):
        raise ValueError(f"{n_bad} of {n} weights of {what} are NaN or infinite")
    if n_bad := int(np.count_nonzero(array < 0)):
        raise ValueError(f"{n_bad} of {n} weights of {what} are negative")
    if n and not array.any():
        raise ValueError(f"all weights of {what} are 0")
    return None if not n or (array == array[0]).all() else array


def effective_entries(weight: FloatArray) -> float:
    """The number of entries of equal weight that would fix a mean as well, (Σw)² / Σw² (Kish, 1965); 0 of none.

    >>> import numpy as np
    >>> from hepad.metrics import effective_entries
    >>> effective_entries(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    # Squares of weights such as 1e-200 would underflow.
    largest = weight.max(initial=0.0)
    if not largest:
        return 0.0
    scaled = weight / largest
    return float(scaled.sum() ** 2 / np.square(scaled).sum())


def weight_from(weight: FloatArray) -> FloatArray:
    """Sums from each position to the end, `(N + 1,)`, the last of which is 0."""
    return np.append(weight[::-1].cumsum()[::-1], 0.0)


def effective_from(weight: FloatArray) -> FloatArray:
    """`effective_entries` of the weights from each position to the end, `(N + 1,)`, the last of which is 0."""
    scaled = weight / weight.max()
    total, squares = weight_from(scaled), weight_from(np.square(scaled))
    effective: FloatArray = np.divide(np.square(total), squares, out=np.zeros_like(total), where=squares > 0)
    return effective


LOUDNESS: Final = "sum_pt"
"""The trivial score by which signal and reference are matched: Σ pT (or E_T) of an entry."""

BASELINES: Final = (LOUDNESS, "multiplicity", "distance_to_mean", "mahalanobis", "isolation_forest")
"""Scores any model must beat: Σ pT (or E_T), the number of objects, ‖x − mean‖², the Mahalanobis distance, and an
isolation forest."""

_TITLES: Final = {
    LOUDNESS: "Σ pT",
    "multiplicity": "multiplicity",
    "distance_to_mean": "‖x − mean‖²",
    "mahalanobis": "Mahalanobis",
    "isolation_forest": "isolation forest",
}


def trivial_title(name: str) -> str:
    """Name of a trivial score in tables and sentences.

    >>> from hepad.metrics import trivial_title
    >>> trivial_title("distance_to_mean")
    '‖x − mean‖²'
    """
    return _TITLES.get(name, name)


_LOUDNESS_TITLES: Final = {
    "pt": "Σ pT",
    "sum_pt": "Σ pT",
    "total_et": "Σ E_T",
    "deposited_energy": "visible energy",
}


def loudness_title(sample: "ScoredSample") -> str:
    """Name of what signal and reference are matched by: that of the observable that it is, Σ pT where it is none.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample
    >>> from hepad.metrics.samples import loudness_title
    >>> energy = np.array([3.0, 5.0])
    >>> loudness_title(ScoredSample("photons", energy, {"deposited_energy": energy}, {"sum_pt": energy}))
    'visible energy'
    """
    loudness = sample.baselines.get(LOUDNESS)
    if loudness is None:
        return trivial_title(LOUDNESS)
    same = [name for name, values in sample.features.items() if np.array_equal(values, loudness)]
    known = [_LOUDNESS_TITLES[name] for name in same if name in _LOUDNESS_TITLES]
    return [*known, *same, trivial_title(LOUDNESS)][0]


@dataclass(frozen=True, eq=False)
class ScoredSample:
    """One sample and the anomaly scores of its entries.

    Args:
        name: the sample's name, such as `ttbar`.
        score: (N,) anomaly score of each entry; higher is more anomalous. Kept in float64.
        features: name → (N,) observable of each entry, to correlate the score with.
        baselines: name → (N,) the score that a trivial rule gives to each entry, usually `BASELINES`.
        weight: (N,) weight of each entry; None where every entry counts once, also where all weights are equal.

    Raises:
        ValueError: a score is NaN or infinite (the message says how many), lengths differ, or weights are no weights.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample
    >>> score, pt = np.array([0.1, 0.7, 0.3]), np.array([20.0, 90.0, 35.0])
    >>> ttbar = ScoredSample("ttbar", score, {"pt": pt}, baselines={"sum_pt": pt}, weight=np.array([1.0, 1.0, 2.0]))
    >>> len(ttbar), round(ttbar.effective, 2)
    (3, 2.67)
    """

    name: str
    score: FloatArray
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    baselines: Mapping[str, FloatArray] = field(default_factory=dict)
    weight: FloatArray | None = None

    def __post_init__(self) -> None:
        score = as_scores(self.score, f"scores of {self.name}")
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "weight", as_weights(self.weight, score.size, f"entries of {self.name}"))
        for group in ("features", "baselines"):
            columns = {
                name: as_column(values, f"{group[:-1]} {name} of {self.name}")
                for name, values in getattr(self, group).items()
            }
            for name, values in columns.items():
                if values.size != score.size:
                    raise ValueError(f"{self.name}: {values.size} values of {name} for {score.size} scores")
            object.__setattr__(self, group, columns)

    def __len__(self) -> int:
        return self.score.size

    @property
    def effective(self) -> float:
        """Number of entries of equal weight that these are worth, (Σw)² / Σw²; without weights their number."""
        return len(self) if self.weight is None else effective_entries(self.weight)
