"""A sample after scoring: what evaluation, plots and the report start from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hepad.metrics.arrays import FloatArray, as_column, as_scores
from hepad.metrics.weights import as_weights, effective_entries

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
    """What a trivial score is called in tables and sentences.

    >>> from hepad.metrics import trivial_title
    >>> trivial_title("distance_to_mean")
    '‖x − mean‖²'
    """
    return _TITLES.get(name, name)


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
        """How many entries of equal weight these are worth, (Σw)² / Σw²; their number without weights."""
        return len(self) if self.weight is None else effective_entries(self.weight)
