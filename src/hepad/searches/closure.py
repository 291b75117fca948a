"""Closure of a template: how well it stands for the background, and how well a half of that does."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.metrics import auc, auc_variance
from hepad.searches.record import Closure

_MOST: Final = 8000
"""Entries of each side; the AUC of that many is known to half a percent."""

_BINS: Final = 20


def template_closure(
    template: NDArray[np.float32], target: NDArray[np.float32], features: Sequence[str], against: str, seed: int
) -> Closure | None:
    """Return how well boosted trees tell a template from what it stands for; None where there is too little of it.

    As many entries of the template as half of the target are told from a half of the target, and the other half of the
    target from the same: the floor of real against real. Each score is by trees that have not seen the entry.

    Args:
        template: `(N, F)`.
        target: `(M, F)`.
        features: names of the columns.
        against: what the target is, in words.
        seed: of which entries are taken, and of the trees.

    >>> import numpy as np
    >>> from hepad.searches.closure import template_closure
    >>> rng = np.random.default_rng(0)
    >>> target, same, other = rng.normal(size=(3, 2000, 2)).astype(np.float32)
    >>> good, bad = (template_closure(x, target, ["a", "b"], "it", 0) for x in (same, other + 1))
    >>> abs(good.auc - 0.5) < 0.05, bad.auc > 0.7, abs(bad.pulls["a"][0]) < 1
    (True, True, True)
    """
    rng = np.random.default_rng(seed)
    target = target[rng.permutation(len(target))[: 2 * _MOST]]
    half = min(len(target) // 2, len(template))
    if half < 100:
        return None
    real, other = target[:half], target[half : 2 * half]
    made = template[rng.permutation(len(template))[:half]]
    area, error = _told_apart(real, made, seed)
    floor, floor_error = _told_apart(real, other, seed)
    return Closure(area, error, floor, floor_error, against, _pulls(template, target, features))


def _told_apart(one: NDArray[np.float32], other: NDArray[np.float32], seed: int) -> tuple[float, float]:
    """Return AUC and error of trees that tell two samples of one size apart, by two halves that test each other."""
    # Imported here, as it takes a second.
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = np.concatenate([one, other])
    label = np.repeat([0, 1], len(one))
    part = np.concatenate([np.arange(len(one)) % 2] * 2)
    score = np.zeros(len(x))
    for side in (0, 1):
        trees = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=15, early_stopping=False, random_state=seed)
        trees.fit(x[part != side], label[part != side])
        score[part == side] = trees.predict_proba(x[part == side])[:, 1]
    areas, variances = zip(*(_area(score[part == side], label[part == side]) for side in (0, 1)), strict=True)
    return float(np.mean(areas)), float(np.sqrt(sum(variances)) / 2)


def _area(score: NDArray[np.float64], label: NDArray[np.int64]) -> tuple[float, float]:
    return auc(score[label == 0], score[label == 1]), auc_variance(score[label == 0], score[label == 1])


def _pulls(
    template: NDArray[np.float32], target: NDArray[np.float32], features: Sequence[str]
) -> Mapping[str, tuple[float, float]]:
    """Return feature → mean and width of (n − r t)/√(n + r² t) over bins that hold equally many of the target."""
    found = {}
    ratio = len(target) / len(template)
    for i, name in enumerate(features):
        edges = np.unique(np.quantile(target[:, i], np.linspace(0, 1, _BINS + 1)[1:-1]))
        n, t = (np.bincount(np.searchsorted(edges, x[:, i]), minlength=len(edges) + 1) for x in (target, template))
        pulls = (n - ratio * t) / np.sqrt(np.maximum(n + ratio**2 * t, 1.0))
        found[name] = (float(pulls.mean()), float(pulls.std()))
    return found
