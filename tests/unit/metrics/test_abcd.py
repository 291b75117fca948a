"""ABCD closure: independent scores close within their error, others do not, weights and small regions."""

import numpy as np
import pytest

from hepad.metrics.abcd import abcd_closure


def test_independent_scores_close_as_often_as_the_error_says():
    rng = np.random.default_rng(0)
    pulls = []
    for _ in range(300):
        x, y = rng.exponential(size=(2, 2000))
        pulls += [(found.ratio - 1) / found.error for found in abcd_closure(x, y, efficiencies=[0.2])]
    # Ratios of counts are skewed: their mean pull is above 0 by some 1/√n.
    assert abs(np.mean(pulls)) < 0.25
    assert 0.85 < np.std(pulls) < 1.15


def test_regions_are_counted():
    rng = np.random.default_rng(4)
    # 30 entries above both cuts, 20 and 20 above one, 130 above none.
    x = np.repeat([1.0, 1.0, 0.0, 0.0], [30, 20, 20, 130]) + 0.1 * rng.random(200)
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [30, 20, 20, 130]) + 0.1 * rng.random(200)
    found = abcd_closure(x, y, efficiencies=[0.25])[0]
    assert (found.observed, found.predicted) == (pytest.approx(30, abs=1.5), pytest.approx(20 * 20 / 130, rel=0.1))
    assert found.error / found.ratio == pytest.approx((1 / 30 + 1 / 20 + 1 / 20 + 1 / 130) ** 0.5, rel=0.05)


def test_scores_that_go_together_do_not_close():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 20000))
    ratios = [found.ratio for found in abcd_closure(x, 0.5 * x + y)]
    assert ratios == sorted(ratios)
    assert ratios[0] > 1.3
    assert all(found.ratio < 0.8 for found in abcd_closure(x, y - 0.5 * x, efficiencies=[0.2, 0.1]))


def test_observed_and_predicted_are_the_ratio():
    x, y = np.random.default_rng(2).normal(size=(2, 5000))
    for found in abcd_closure(x, x + 2 * y):
        assert found.ratio == pytest.approx(found.observed / found.predicted)
        passing = (x > np.quantile(x, 1 - found.efficiency)) & (
            x + 2 * y > np.quantile(x + 2 * y, 1 - found.efficiency)
        )
        assert found.observed == pytest.approx(passing.sum(), abs=3)


def test_equal_weights_are_none_and_others_widen_the_error():
    x, y, w = np.random.default_rng(3).random(size=(3, 4000))
    plain = abcd_closure(x, y, efficiencies=[0.2])[0]
    assert abcd_closure(x, y, np.full(4000, 3.0), [0.2])[0] == plain
    assert abcd_closure(x, y, w**4, [0.2])[0].error > 1.3 * plain.error


def test_small_regions_have_no_row():
    x = np.arange(100.0)
    assert abcd_closure(x, x) == []
    with pytest.raises(ValueError, match="99 second scores for 100"):
        abcd_closure(x, x[1:])
