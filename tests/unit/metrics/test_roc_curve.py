"""ROC and AUC: exact on raw scores of any size, ties counted."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from hepad.metrics import auc, roc_curve

SCALES = {
    "unit": lambda x: 1 / (1 + np.exp(-x)),
    "huge": lambda x: 1e6 * x,
    "far from zero": lambda x: 1e6 + x,
    "tiny": lambda x: 1e-9 * x,
    "negative": lambda x: -1e6 + 1e3 * x,
    "heavy tail": lambda x: np.exp(8 * x),
    "tied": lambda x: np.round(2 * x),
}


def draw(scale, n_background=700, n_signal=450, seed=3):
    rng = np.random.default_rng(seed)
    return scale(rng.normal(0, 1, n_background)), scale(rng.normal(0.7, 1.4, n_signal))


def as_sklearn(background, signal):
    return np.r_[np.zeros(len(background)), np.ones(len(signal))], np.r_[background, signal]


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_auc_is_scikit_learns(scale):
    background, signal = draw(scale)
    assert auc(background, signal) == pytest.approx(
        sklearn_metrics.roc_auc_score(*as_sklearn(background, signal)), abs=1e-12
    )


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_area_under_the_curve_is_the_auc(scale):
    background, signal = draw(scale)
    curve = roc_curve(background, signal)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auc(background, signal), abs=1e-12)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_each_point_is_the_share_of_entries_at_or_above_its_threshold(scale):
    background, signal = draw(scale, 80, 60)
    curve = roc_curve(background, signal)
    assert np.array_equal(curve.fpr, [np.mean(background >= t) for t in curve.thresholds])
    assert np.array_equal(curve.tpr, [np.mean(signal >= t) for t in curve.thresholds])


def test_the_curve_has_every_distinct_score_and_its_ends():
    background, signal = draw(SCALES["tied"])
    curve = roc_curve(background, signal)
    assert curve.thresholds.size == np.unique(np.r_[background, signal]).size + 1
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert np.isinf(curve.thresholds[0])
    assert (np.diff(curve.fpr) >= 0).all()
    assert (curve.n_background, curve.n_signal) == (700, 450)


def test_scores_that_a_float32_sigmoid_would_merge_stay_apart():
    rng = np.random.default_rng(0)
    background, signal = 40 + rng.random(500), 40.3 + rng.random(500)
    assert auc(background, signal) == pytest.approx(0.755, abs=0.04)


def test_ties_count_half():
    assert auc([1, 2], [2, 3]) == (0.5 + 1 + 1 + 1) / 4
    assert auc([5, 5, 5], [5, 5]) == 0.5


def test_swapping_the_sides_or_the_sign_mirrors_the_auc():
    background, signal = draw(SCALES["tied"])
    assert auc(signal, background) == pytest.approx(1 - auc(background, signal), abs=1e-15)
    assert auc(-background, -signal) == pytest.approx(1 - auc(background, signal), abs=1e-15)


def test_any_rising_transformation_leaves_the_auc_alone():
    background, signal = draw(SCALES["huge"])
    assert auc(np.arcsinh(background), np.arcsinh(signal)) == auc(background, signal)


def test_order_does_not_matter():
    background, signal = draw(SCALES["heavy tail"])
    assert auc(background[::-1], np.sort(signal)) == auc(background, signal)
    assert np.array_equal(roc_curve(background[::-1], np.sort(signal)).fpr, roc_curve(background, signal).fpr)


def test_perfect_and_reversed_separation():
    assert auc([1, 2, 3], [4, 5]) == 1.0
    assert auc([4, 5], [1, 2, 3]) == 0.0


@pytest.mark.parametrize("function", [auc, roc_curve])
def test_scores_that_are_not_finite_are_refused_with_their_number(function):
    with pytest.raises(ValueError, match="signal scores: 2 of 3 values are NaN or infinite"):
        function([1.0, 2.0], [np.nan, np.inf, 1.0])
    with pytest.raises(ValueError, match="background scores: 1 of 2"):
        function([1.0, -np.inf], [1.0])


@pytest.mark.parametrize("function", [auc, roc_curve])
def test_empty_and_misshapen_scores_are_refused(function):
    with pytest.raises(ValueError, match="no entries"):
        function([], [1.0])
    with pytest.raises(ValueError, match=r"shape \(2, 1\)"):
        function([[1.0], [2.0]], [1.0])
