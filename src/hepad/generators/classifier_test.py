"""Classifier test: how well a classifier tells generated entries from real ones that it has not seen.

AUC 0.5 where nothing tells them apart (Friedman, 2003; Lopez-Paz and Oquab, arXiv:1610.06545). Half of the entries
train, 15% calibrate the probability D of being real (isotonic regression), and 35% are judged. They are judged by one
classifier that has seen none of them, so that DeLong's error is that of the AUC; folds that take turns would depend on
each other, and fluctuate by a third more than that. With D the Jensen-Shannon divergence, in bits, is bounded from
below by 1 + ½ E_real[log₂ D] + ½ E_generated[log₂(1 − D)] (Krause and Shih, arXiv:2106.05285, with 2 × 2048 units).
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

CLASSIFIERS: Final = ("trees", "mlp")
_LEAST: Final = 500
_TREES: Final = 80
_HIDDEN: Final = (128, 128)
_EPOCHS: Final = 40
_TRAIN: Final = 0.5
_CALIBRATE: Final = 0.15
_PRIOR: Final = 3.0
"""Entries of either kind that are added to each step of a calibration."""


@dataclass(frozen=True, eq=False)
class ClassifierTest:
    """Findings of a classifier.

    Attributes:
        auc: area under the ROC curve.
        auc_error: standard error (DeLong).
        jsd: Jensen-Shannon divergence in bits, a lower bound of it; somewhat below 0 for one truth.
        jsd_error: standard error.
        real, generated: `(N,)` calibrated probabilities of being real, of each entry that is judged.
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
    """Train a classifier of the features of two samples of equal size on a part of them, and judge the rest by it.

    Args:
        real: real entries.
        other: others; of the larger sample the first ones are taken.
        kind: `trees` (boosted, of histograms) or `mlp` (2 × 128).
        seed: of the parts and initial weights.

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
    place = np.concatenate([rng.permutation(n) for _ in sides]) / n
    training, tested = place < _TRAIN, place >= _TRAIN + _CALIBRATE
    calibrating = ~training & ~tested
    judge = _fit(kind, x[training], label[training], weight[training], seed)
    calibrate = _calibration(judge(x[calibrating]), label[calibrating], weight[calibrating])
    parts = [(judge(x[tested & (label == side)]), weight[tested & (label == side)]) for side in (1, 0)]
    (high, high_weight), (low, low_weight) = parts
    area = auc(low, high, low_weight, high_weight)
    error = float(np.sqrt(auc_variance(low, high, low_weight, high_weight)))
    probabilities = calibrate(high), calibrate(low)
    divergence = _divergence(probabilities[0], high_weight, probabilities[1], low_weight)
    return ClassifierTest(area, error, *divergence, *probabilities, high_weight, low_weight)


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

    order = np.argsort(scores, kind="stable")
    fitted = IsotonicRegression().fit_transform(scores[order], label[order], sample_weight=weight[order])
    # Steps of equal probability: where each begins, and its label's share, drawn to a half where few entries made it.
    starts = np.flatnonzero(np.diff(fitted, prepend=-1.0) > 0)
    held, real = (np.add.reduceat(w, starts) for w in (weight[order], weight[order] * label[order]))
    shares = np.maximum.accumulate((real + _PRIOR) / (held + 2 * _PRIOR))
    edges = scores[order][starts][1:]
    return lambda found: shares[np.searchsorted(edges, found, side="right")]


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
