"""Uncertainties of AUCs, against the definition, the bootstrap and repeated experiments."""

import numpy as np
import pytest
from scipy import stats

from hepad.metrics import auc, auc_difference, auc_interval, auc_variance


def plain_covariance(backgrounds, signals):
    """DeLong's covariance straight from the paper: the kernel on all N·M pairs."""
    v10, v01 = [], []
    for b, s in zip(backgrounds, signals, strict=True):
        kernel = (s[:, None] > b[None, :]) + 0.5 * (s[:, None] == b[None, :])
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
    n_signal, n_background = len(v10[0]), len(v01[0])
    return np.atleast_2d(np.cov(v10) / n_signal + np.cov(v01) / n_background)


@pytest.fixture(params=[False, True], ids=["distinct", "tied"])
def two_models(request):
    rng = np.random.default_rng(5)
    truth_b, truth_s = rng.normal(0, 1, 240), rng.normal(0.8, 1.2, 170)
    models = []
    for noise in (0.3, 0.6):
        b, s = truth_b + rng.normal(0, noise, 240), truth_s + rng.normal(0, noise, 170)
        models.append((np.round(2 * b), np.round(2 * s)) if request.param else (b, s))
    return models


def test_variance_is_the_paper_s(two_models):
    for b, s in two_models:
        assert auc_variance(b, s) == pytest.approx(plain_covariance([b], [s])[0, 0], rel=1e-12)


def test_difference_uses_the_covariance_of_the_models(two_models):
    (b1, s1), (b2, s2) = two_models
    found = auc_difference(b1, s1, b2, s2)
    c = plain_covariance([b1, b2], [s1, s2])
    assert found.difference == pytest.approx(auc(b1, s1) - auc(b2, s2), abs=1e-14)
    assert found.standard_error == pytest.approx(np.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1]), rel=1e-10)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.difference) / found.standard_error))
    assert found.standard_error < np.sqrt(c[0, 0] + c[1, 1])


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_interval_is_delongs_on_the_logit_scale(two_models, level):
    # To nine digits, since a bootstrap or a count of hits would let pass one that is a tenth too wide.
    for b, s in two_models:
        area = auc(b, s)
        logit = np.log(area / (1 - area))
        half = stats.norm.isf((1 - level) / 2) * np.sqrt(plain_covariance([b], [s])[0, 0]) / (area * (1 - area))
        expected = [1 / (1 + np.exp(-end)) for end in (logit - half, logit + half)]
        np.testing.assert_allclose(auc_interval(b, s, level), expected, rtol=1e-9)


def test_interval_agrees_with_the_bootstrap():
    rng = np.random.default_rng(1)
    b, s = rng.normal(0, 1, 400), rng.normal(1, 1, 300)
    low, high = auc_interval(b, s)
    areas = [auc(rng.choice(b, b.size), rng.choice(s, s.size)) for _ in range(1500)]
    expected = np.quantile(areas, [0.16, 0.84])
    assert (low, high) == pytest.approx(tuple(expected), abs=0.1 * (high - low))


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth = stats.norm.cdf(1.5 / np.sqrt(2))
    hits = 0
    for _ in range(600):
        low, high = auc_interval(rng.normal(0, 1, 80), rng.normal(1.5, 1, 60))
        hits += low <= truth <= high
    assert hits / 600 == pytest.approx(0.68, abs=0.06)


def test_a_higher_level_gives_a_wider_interval():
    rng = np.random.default_rng(3)
    b, s = rng.normal(0, 1, 100), rng.normal(1, 1, 100)
    (low68, high68), (low95, high95) = auc_interval(b, s), auc_interval(b, s, level=0.95)
    assert low95 < low68 < auc(b, s) < high68 < high95


@pytest.mark.parametrize("n", [2, 5, 1000])
def test_without_overlap_the_interval_is_not_empty_and_stays_inside(n):
    b, s = np.arange(n), np.arange(n) + n
    low, high = auc_interval(b, s)
    assert 0 < low < high == 1.0
    assert auc_interval(s, b) == pytest.approx((0.0, 1 - low))


def test_without_overlap_more_entries_say_more():
    widths = [1 - auc_interval(np.arange(n), np.arange(n) + n)[0] for n in (2, 10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)


def test_close_to_one_the_interval_stays_inside_and_is_longer_below():
    rng = np.random.default_rng(4)
    b, s = rng.normal(0, 1, 50), rng.normal(3.4, 1, 50)
    area, (low, high) = auc(b, s), auc_interval(b, s)
    assert 0.97 < area < 1
    assert low < area < high < 1
    assert area - low > high - area


def test_equal_models_do_not_differ():
    b, s = [1.0, 2.0, 3.0], [2.0, 4.0]
    found = auc_difference(b, s, b, s)
    assert (found.difference, found.standard_error, found.p_value) == (0.0, 0.0, 1.0)


def test_any_common_order_of_entries_gives_the_same_difference(two_models):
    (b1, s1), (b2, s2) = two_models
    found = auc_difference(b1, s1, b2, s2)
    shuffled = auc_difference(b1[::-1], s1[::-1], b2[::-1], s2[::-1])
    assert shuffled.standard_error == pytest.approx(found.standard_error)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        auc_interval([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="level"):
        auc_interval([1.0, 2.0], [1.0, 2.0], level=68)
    with pytest.raises(ValueError, match="3 entries scored by one model and 2 by the other"):
        auc_difference([1.0, 2, 3], [1.0, 2], [1.0, 2], [1.0, 2])
