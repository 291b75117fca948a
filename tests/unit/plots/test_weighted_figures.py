"""Event weights in histograms and profiles, and in comparisons of runs."""

import numpy as np
import pytest
from scipy import stats

from hepad.metrics import ScoredSample, auc, roc_curve, sort_scores
from hepad.metrics.agreement import agreement, student_metrics
from hepad.plots.runs_roc import roc_on_log_grid
from hepad.plots.score_distributions import binned_shares
from hepad.plots.score_vs_feature import plot_score_vs_feature, profile

RNG = np.random.default_rng(7)
SCORE, FEATURE, WEIGHT = RNG.exponential(size=600), RNG.normal(size=600), RNG.integers(0, 5, 600)
REPEATED = np.repeat(np.arange(600), WEIGHT)


def test_histogram_of_scores_counts_weight():
    bins = np.linspace(0.2, 3, 12)
    shares, errors = binned_shares(ScoredSample("zb", SCORE, weight=WEIGHT), bins)
    expected, _ = binned_shares(ScoredSample("zb", SCORE[REPEATED]), bins)
    np.testing.assert_allclose(shares, expected, atol=1e-14)
    squares, _ = np.histogram(SCORE, np.r_[-np.inf, bins[1:-1], np.inf], weights=WEIGHT**2)
    np.testing.assert_allclose(errors, np.sqrt(squares) / WEIGHT.sum(), atol=1e-14)


def test_profile_has_weighted_means_and_the_errors_of_what_bins_are_worth():
    x_edges = np.linspace(-1.5, 1.5, 7)
    centers, means, errors = profile(FEATURE, SCORE, x_edges, False, WEIGHT.astype(float))
    expected_centers, expected, _ = profile(FEATURE[REPEATED], SCORE[REPEATED], x_edges, False)
    np.testing.assert_allclose(centers, expected_centers)
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    alike = profile(FEATURE, SCORE, x_edges, False, np.full(600, 0.3))
    for found, plain in zip(alike, profile(FEATURE, SCORE, x_edges, False), strict=True):
        np.testing.assert_allclose(found, plain, rtol=1e-12)
    assert (errors > 0).all()
    plot_score_vs_feature(ScoredSample("zb", SCORE, {"pt": FEATURE}, weight=WEIGHT), "pt")


def test_curves_of_weighted_runs_are_points_of_the_exact_curve():
    b, s, wb = SCORE, SCORE[:200] + 1, WEIGHT.astype(float)
    drawn = roc_on_log_grid(sort_scores(b, weight=wb), sort_scores(s))
    exact = roc_curve(b, s, wb)
    assert set(zip(drawn.fpr, drawn.tpr, strict=True)) <= set(zip(exact.fpr, exact.tpr, strict=True))
    assert drawn.fpr[-1] == drawn.tpr[-1] == 1
    assert drawn.fpr.size > 100


def test_a_student_is_compared_with_its_teacher_by_weight():
    truth, student = {"zb": SCORE, "tt": SCORE + 1}, {"zb": SCORE + FEATURE, "tt": SCORE + 1 + FEATURE}
    found = student_metrics(truth, student, "zb", ["zb"], {"zb": WEIGHT, "tt": WEIGHT})
    repeated = ({name: values[REPEATED] for name, values in side.items()} for side in (truth, student))
    expected = student_metrics(*repeated, "zb", ["zb"])
    assert found.keys() == expected.keys()
    for name in found:
        if "decile" not in name:
            assert found[name] == pytest.approx(expected[name], rel=1e-12), name
    deciles = agreement(SCORE, SCORE + FEATURE, weight=WEIGHT)
    np.testing.assert_allclose(deciles.high, np.linspace(0.1, 1, 10), atol=0.02)
    assert stats.norm.sf(abs(auc(SCORE, SCORE, WEIGHT, WEIGHT) - 0.5)) == 0.5
