"""Entries as a card of a generator sees them: observables, features, profiles and weights, as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.samples import FloatArray, as_weights, effective_entries


class TooFewEntries(ValueError):
    """Fewer entries than a number needs; the message says how many it needs."""


@dataclass(frozen=True, eq=False)
class Observable:
    """Values of one observable.

    Args:
        values: `(M,)` finite values.
        entry: `(M,)` place of the entry that each value is of; None where each entry has one value, in order.

    >>> import numpy as np
    >>> from hepad.generators import Observable
    >>> Observable(np.array([20.0, 30.0, 50.0]), entry=np.array([0, 0, 2])).rows(np.array([2, 0])).entry
    array([0, 1, 1])
    """

    values: FloatArray
    entry: NDArray[np.int64] | None = None

    def rows(self, rows: NDArray[np.int64]) -> "Observable":
        """Return the values of some entries, which are numbered anew in the order of `rows`."""
        if self.entry is None:
            return Observable(self.values[rows])
        # Values of an entry lie one after the other.
        order = np.argsort(self.entry, kind="stable")
        entry = self.entry[order]
        starts, ends = np.searchsorted(entry, rows, "left"), np.searchsorted(entry, rows, "right")
        counts = ends - starts
        taken = np.repeat(starts - np.concatenate([[0], counts.cumsum()[:-1]]), counts) + np.arange(counts.sum())
        return Observable(self.values[order][taken], np.repeat(np.arange(len(rows)), counts))


@dataclass(frozen=True, eq=False)
class Population:
    """Entries of one origin: real ones, or those that a generator made up.

    Args:
        features: `(N, D)` numbers that describe an entry as a whole, for distances and classifiers.
        feature_names: D names.
        observables: name → values, one for each entry or several.
        weight: `(N,)` weights of the entries; None where each counts once.
        profiles: name → `(N, B)` numbers of each entry along an axis, such as the energy of each layer.
        incident: `(N,)` incident energy, where entries are showers that have one.
        n_empty: entries with nothing in them.

    Raises:
        ValueError: shapes that do not fit, values that are not finite, or weights that are no weights.

    >>> import numpy as np
    >>> from hepad.generators import Observable, Population
    >>> x = np.random.default_rng(0).normal(size=(100, 2))
    >>> entries = Population(x, ["a", "b"], {"a": Observable(x[:, 0]), "b": Observable(x[:, 1])})
    >>> len(entries), len(entries.first(10)), entries.effective
    (100, 10, 100.0)
    """

    features: FloatArray
    feature_names: Sequence[str]
    observables: Mapping[str, Observable]
    weight: FloatArray | None = None
    profiles: Mapping[str, FloatArray] = field(default_factory=dict)
    incident: FloatArray | None = None
    n_empty: int = 0

    def __post_init__(self) -> None:
        features = np.asarray(self.features, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise ValueError(f"features {features.shape} do not fit {len(self.feature_names)} names")
        if not np.isfinite(features).all():
            raise ValueError(f"{int((~np.isfinite(features)).any(axis=1).sum())} entries hold NaN or inf")
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "weight", as_weights(self.weight, len(features), "entries"))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def effective(self) -> float:
        """Number of entries of equal weight that these are worth."""
        return float(len(self)) if self.weight is None else effective_entries(self.weight)

    @property
    def weights(self) -> FloatArray:
        """Weights `(N,)`, ones where there are none."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def rows(self, rows: NDArray[np.int64]) -> "Population":
        """Return some of the entries, in the order of `rows`."""
        return replace(
            self,
            features=self.features[rows],
            observables={name: found.rows(rows) for name, found in self.observables.items()},
            weight=None if self.weight is None else self.weight[rows],
            profiles={name: values[rows] for name, values in self.profiles.items()},
            incident=None if self.incident is None else self.incident[rows],
        )

    def first(self, n: int) -> "Population":
        """Return the first `n` entries, or all where there are fewer."""
        return self if n >= len(self) else self.rows(np.arange(n))


def require_entries(what: str, needed: int, *populations: Population | ArrayLike) -> None:
    """Raise `TooFewEntries` where one of several sets of entries has fewer than a number needs."""
    sizes = [p.effective if isinstance(p, Population) else float(np.shape(p)[0]) for p in populations]
    if min(sizes) < needed:
        raise TooFewEntries(f"{what} needs {needed:,} entries on each side; there are {min(sizes):,.0f}")


def joined_features(parts: Sequence[Population]) -> Population:
    """Return the features and weights of several populations one after the other, without observables."""
    weight = None
    if any(part.weight is not None for part in parts):
        weight = np.concatenate([part.weights for part in parts])
    return Population(np.concatenate([part.features for part in parts]), parts[0].feature_names, {}, weight)
