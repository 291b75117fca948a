"""Classifier test: how well a classifier tells generated entries from real ones that it has not seen.

AUC 0.5 where nothing tells them apart (Friedman, 2003; Lopez-Paz and Oquab, arXiv:1610.06545). Entries are dealt to
folds; each is judged by a classifier of the other folds, of which one calibrates its probability D of being real
(isotonic regression). With it the Jensen-Shannon divergence, in bits, is bounded from below by
1 + ½ E_real[log₂ D] + ½ E_generated[log₂(1 − D)] (Krause and Shih, arXiv:2106.05285, with a network of 2 × 2048).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hepad.generators.population import Population, require_entries
from hepad.metrics.delong import auc_variance
from hepad.metrics.roc import auc
from hepad.metrics.samples import FloatArray

FOLDS: Final = 5
CLASSIFIERS: Final = ("trees", "mlp")
_LEAST: Final = 500
_TREES: Final = 60
_HIDDEN: Final = (128, 128)
_EPOCHS: Final = 40
_FLOOR: Final = 1e-3


@dataclass(frozen=True, eq=False)
class ClassifierTest:
    """What a classifier found.

    Attributes:
        auc: mean over folds of the area under the ROC curve.
        auc_error: standard error (DeLong in each fold).
        jsd: Jensen-Shannon divergence in bits, a lower bound of it; below 0 only by fluctuation.
        jsd_error: standard error.
        real, generated: `(N,)` calibrated probabilities of being real, of each held-out entry.
        real_weight, generated_weight: `(N,)` weights.
    """

    auc: float
    auc_error: float
    jsd: float
    jsd_error: float
    real: FloatArray
    generated: FloatArray
    real_weight: FloatArray
    generated_weight: FloatArray


def classifier_test(real: Population, other: Population, kind: str = "trees", seed: int = 0) -> ClassifierTest:
    """Train classifiers of the features of two samples of equal size on folds, and judge each fold by others.

    Args:
        real: real entries.
        other: others; of the larger sample the first ones are taken.
        kind: `trees` (boosted, of histograms) or `mlp` (2 × 128).
        seed: of folds and initial weights.

    Raises:
        TooFewEntries: fewer than 500.
        ValueError: another kind.

    >>> import numpy as np
    >>> from hepad.generators import Population, classifier_test
    >>> x, y = np.random.default_rng(0).normal(size=(2, 600, 2))
    >>> found = classifier_test(Population(x, ["a", "b"], {}), Population(y + [2.0, 0.0], ["a", "b"], {}))
    >>> found.auc > 0.85, found.jsd > 0.3
    (True, True)
    """
    require_entries("the classifier test", _LEAST, real, other)
    if kind not in CLASSIFIERS:
        raise ValueError(f"no classifier {kind!r}; allowed: {', '.join(CLASSIFIERS)}")
    n = min(len(real), len(other))
    sides = real.first(n), other.first(n)
    x = np.concatenate([side.features for side in sides])
    label = np.repeat([1, 0], n)
    # Both sides weigh the same in all.
    weight = np.concatenate([side.weights / side.weights.mean() for side in sides])
    rng = np.random.default_rng(seed)
    fold = np.concatenate([rng.permutation(np.arange(n) % FOLDS) for _ in sides])
    probability = np.empty(2 * n)
    aucs, variances = [], []
    for k in range(FOLDS):
        tested, calibrating = fold == k, fold == (k + 1) % FOLDS
        fitted = _fit(kind, x[~tested & ~calibrating], label[~tested & ~calibrating], weight[~tested & ~calibrating], k)
        scores = fitted(x[tested])
        told = [(scores[label[tested] == side], weight[tested & (label == side)]) for side in (0, 1)]
        (low, low_weight), (high, high_weight) = told
        aucs.append(auc(low, high, low_weight, high_weight))
        variances.append(auc_variance(low, high, low_weight, high_weight))
        calibrate = _calibration(fitted(x[calibrating]), label[calibrating], weight[calibrating])
        probability[tested] = calibrate(scores)
    parts = [(probability[label == side], weight[label == side]) for side in (1, 0)]
    jsd, jsd_error = _divergence(*parts[0], *parts[1])
    error = float(np.sqrt(np.sum(variances))) / FOLDS
    return ClassifierTest(
        float(np.mean(aucs)), error, jsd, jsd_error, parts[0][0], parts[1][0], parts[0][1], parts[1][1]
    )


def _fit(
    kind: str, x: FloatArray, label: NDArray[np.int64], weight: FloatArray, seed: int
) -> Callable[[FloatArray], FloatArray]:
    """Return a function that gives entries ln(p / (1 − p)) of being real, fitted to labelled ones."""
    # Imported here: scikit-learn takes a second, and a terminal's help needs none of it.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    if kind == "trees":
        trees: Any = HistGradientBoostingClassifier(
            max_iter=_TREES, learning_rate=0.1, max_leaf_nodes=15, early_stopping=False, random_state=seed
        )
        trees.fit(x, label, sample_weight=weight)
        return lambda entries: np.asarray(trees.decision_function(entries), dtype=np.float64)
    # Ranks: what has a long tail would leave nothing of the rest after a division by its spread.
    scaled = make_pipeline(
        QuantileTransformer(n_quantiles=min(500, len(x)), subsample=100_000, random_state=seed), StandardScaler()
    )
    network: Any = MLPClassifier(
        _HIDDEN,
        batch_size=min(256, len(x)),
        learning_rate_init=1e-3,
        max_iter=_EPOCHS,
        early_stopping=True,
        n_iter_no_change=5,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(scaled.fit_transform(x), label, sample_weight=weight)
    return lambda entries: np.asarray(
        special.logit(np.clip(network.predict_proba(scaled.transform(entries))[:, 1], 1e-9, 1 - 1e-9))
    )


def _calibration(
    scores: FloatArray, label: NDArray[np.int64], weight: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Return a function from scores to probabilities, fitted to entries that trained nothing."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip", y_min=_FLOOR, y_max=1 - _FLOOR)
    fitted.fit(scores, label, sample_weight=weight)
    return lambda found: np.asarray(fitted.predict(found), dtype=np.float64)


def _divergence(
    real: FloatArray, real_weight: FloatArray, generated: FloatArray, generated_weight: FloatArray
) -> tuple[float, float]:
    value, variance = 1.0, 0.0
    for terms, weight in ((np.log2(real), real_weight), (np.log2(1 - generated), generated_weight)):
        share = weight / weight.sum()
        mean = float(share @ terms)
        value += 0.5 * mean
        variance += 0.25 * float(np.square(share) @ np.square(terms - mean))
    return value, float(np.sqrt(variance))
