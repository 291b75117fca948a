"""Event weights in every metric: as entries repeated, but for uncertainties, which count what entries are worth."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from hepad.metrics import (
    ScoredSample,
    auc,
    auc_difference,
    auc_interval,
    auc_variance,
    distance_correlation,
    effective_entries,
    evaluate,
    pearson,
    roc_curve,
    sic_curve,
    spearman,
    tpr_at_fpr,
)
from hepad.metrics.samples import as_weights

RNG = np.random.default_rng(8)
B, S = np.round(RNG.normal(0, 2, 300)), np.round(RNG.normal(2, 3, 200))
WB, WS = RNG.integers(0, 5, 300), RNG.integers(0, 4, 200)
ABOUT_WORTH = ("test/sic_max", "test/matched_", "test/verdict")
REPEATED_B, REPEATED_S = np.repeat(B, WB), np.repeat(S, WS)


def test_auc_is_that_of_repeated_entries_to_the_last_bit():
    assert auc(B, S, WB, WS) == auc(REPEATED_B, REPEATED_S)
    assert auc(B, S, WB) == auc(REPEATED_B, S)
    assert auc(B, S, signal_weight=WS) == auc(B, REPEATED_S)


def test_auc_is_scikit_learns():
    labels, weight = np.repeat([0, 1], [B.size, S.size]), np.concatenate([WB * 0.37, WS * 2.1])
    expected = roc_auc_score(labels, np.concatenate([B, S]), sample_weight=weight)
    assert auc(B, S, WB * 0.37, WS * 2.1) == pytest.approx(expected, abs=1e-13)


def test_roc_curve_is_that_of_repeated_entries():
    found, expected = roc_curve(B, S, WB, WS), roc_curve(REPEATED_B, REPEATED_S)
    np.testing.assert_array_equal(found.thresholds, expected.thresholds)
    np.testing.assert_allclose(found.fpr, expected.fpr, atol=1e-14)
    np.testing.assert_allclose(found.tpr, expected.tpr, atol=1e-14)
    assert (found.fpr[-1], found.tpr[-1]) == (1, 1)


@pytest.mark.parametrize("fpr", [0.03, 0.1, 0.5, 1.0])
def test_efficiencies_are_those_of_repeated_entries(fpr):
    found = tpr_at_fpr(B, S, fpr, 1, WB, WS)
    assert found == pytest.approx(tpr_at_fpr(REPEATED_B, REPEATED_S, fpr, 1), abs=1e-14)


def test_ten_entries_beyond_a_cut_are_ten_that_count():
    background, signal = np.arange(1000.0), np.arange(1000.0)
    weight = np.ones(1000)
    weight[-1] = 50.0
    # One entry of weight 50 and fifty of weight 1 are worth (100)² / (50² + 50) = 3.9 entries.
    assert tpr_at_fpr(background, signal, 100 / weight.sum(), background_weight=weight) is None
    assert tpr_at_fpr(background, signal, 100 / weight.sum(), 3, weight) == pytest.approx(0.051)
    curve = roc_curve(background, signal, weight)
    for rate, selected in zip(curve.fpr, curve.selected, strict=True):
        chosen = weight[background >= curve.thresholds[curve.fpr == rate][0]]
        assert selected == pytest.approx(chosen.sum() ** 2 / (chosen**2).sum() if chosen.size else 0.0)
    assert sic_curve(curve).sic.size == np.count_nonzero(curve.selected >= 10) < 1000


def test_correlations_are_those_of_repeated_entries():
    x, weight = RNG.normal(size=150), RNG.integers(0, 5, 150)
    y = np.round(x + RNG.normal(size=150), 1)
    repeated_x, repeated_y = np.repeat(x, weight), np.repeat(y, weight)
    for correlation in (pearson, spearman):
        assert correlation(x, y, weight) == pytest.approx(correlation(repeated_x, repeated_y), abs=1e-12)
    found = distance_correlation(x, y, weight=weight)
    assert found == pytest.approx(distance_correlation(repeated_x, repeated_y), abs=1e-12)


def test_equal_weights_are_no_weights_to_the_last_bit():
    for weight in (1.0, 0.1, 3e-8):
        wb, ws = np.full(B.size, weight), np.full(S.size, weight)
        assert auc(B, S, wb, ws) == auc(B, S)
        assert auc_interval(B, S, 0.68, wb, ws) == auc_interval(B, S)
        assert auc_difference(B, S, -B, -S, wb, ws) == auc_difference(B, S, -B, -S)
        np.testing.assert_array_equal(roc_curve(B, S, wb, ws).fpr, roc_curve(B, S).fpr)
        assert spearman(B[:200], S, np.full(200, weight)) == spearman(B[:200], S)


def plain_variance(b, s, wb, ws):
    """The variance from the kernel on all pairs: that of two independent weighted means."""
    kernel = (s[:, None] > b[None, :]) + 0.5 * (s[:, None] == b[None, :])
    wb, ws = wb / wb.sum(), ws / ws.sum()
    total = 0.0
    for values, weight in ((kernel @ wb, ws), (ws @ kernel, wb)):
        n = 1 / np.sum(weight**2)
        total += n / (n - 1) * np.sum(weight**2 * (values - weight @ values) ** 2)
    return total


def test_variance_is_that_of_weighted_means():
    wb, ws = RNG.exponential(size=B.size), RNG.exponential(size=S.size)
    assert auc_variance(B, S, wb, ws) == pytest.approx(plain_variance(B, S, wb, ws), rel=1e-12)
    assert auc_variance(B, S, 7 * wb, ws / 3) == pytest.approx(auc_variance(B, S, wb, ws), rel=1e-12)


def test_interval_of_weighted_entries_covers_the_truth_as_often_as_it_says():
    """Background drawn from a broader normal distribution and weighted back; the weights go with the score."""
    rng = np.random.default_rng(4)
    truth = stats.norm.cdf(1.5 / np.sqrt(2))
    hits = narrow = 0
    n_trials = 800
    for _ in range(n_trials):
        b, s = rng.normal(0, 1.5, 150), rng.normal(1.5, 1, 60)
        weight = stats.norm.pdf(b) / stats.norm.pdf(b, scale=1.5)
        low, high = auc_interval(b, s, 0.68, weight)
        hits += low <= truth <= high
        # As if every weight were a number of independent entries.
        repeated = np.round(10 * weight).astype(int)
        low, high = auc_interval(np.repeat(b, repeated), s)
        narrow += low <= truth <= high
    assert hits / n_trials == pytest.approx(0.68, abs=0.05)
    assert narrow < hits


def test_difference_of_models_covers_zero_as_often_as_it_says():
    rng = np.random.default_rng(6)
    below = 0
    for _ in range(400):
        b, s = rng.normal(0, 1, 120), rng.normal(1, 1, 80)
        wb, ws = rng.exponential(size=120), rng.exponential(size=80)
        noisy = [(b + rng.normal(0, 0.5, 120), s + rng.normal(0, 0.5, 80)) for _ in range(2)]
        below += auc_difference(*noisy[0], *noisy[1], wb, ws).p_value < 0.32
    assert below / 400 == pytest.approx(0.32, abs=0.07)


def test_without_overlap_the_interval_counts_what_entries_are_worth():
    b, s = np.arange(50.0), np.arange(100.0, 150.0)
    weight = np.where(np.arange(50) < 5, 1.0, 1e-9)
    low, high = auc_interval(b, s, 0.68, weight)
    assert (low, high) == (pytest.approx(0.16 ** (1 / 5), rel=1e-6), 1.0)


@pytest.mark.parametrize(
    ("weight", "problem"),
    [
        (np.ones(9), "9 weights for 10 background entries"),
        (np.r_[np.ones(9), -1], "1 of 10 weights of background entries are negative"),
        (np.r_[np.ones(8), np.nan, np.inf], "2 of 10 weights of background entries are NaN or infinite"),
        (np.zeros(10), "all weights of background entries are 0"),
        (np.ones((10, 1)), "expected one number per entry"),
    ],
)
def test_what_is_no_weight_is_refused(weight, problem):
    with pytest.raises(ValueError, match=problem):
        auc(np.arange(10.0), np.arange(10.0), weight)


def test_effective_entries():
    assert effective_entries(np.ones(7)) == 7
    assert effective_entries(np.array([1e-200, 1e-200])) == 2
    assert effective_entries(np.array([1.0, 0.0, 0.0])) == 1
    assert effective_entries(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert as_weights([], 0, "entries") is None


def scored(name, score, weight, rng):
    features = {"pt": score + rng.normal(size=score.size), "flat": np.ones(score.size)}
    return ScoredSample(name, score, features, {"sum_pt": -score}, weight)


def test_evaluation_of_weighted_samples_is_that_of_repeated_ones():
    rng = np.random.default_rng(3)
    weighted = {
        "zero_bias": scored("zero_bias", rng.normal(0, 1, 900), rng.integers(0, 4, 900), rng),
        "ttbar": scored("ttbar", rng.normal(1, 1, 500), rng.integers(0, 4, 500), rng),
    }
    repeated = {
        name: ScoredSample(
            name,
            np.repeat(sample.score, sample.weight.astype(int)),
            {key: np.repeat(values, sample.weight.astype(int)) for key, values in sample.features.items()},
            {key: np.repeat(values, sample.weight.astype(int)) for key, values in sample.baselines.items()},
        )
        for name, sample in weighted.items()
    }
    found, expected = (evaluate(samples, "zero_bias", ["zero_bias"], [0.1]) for samples in (weighted, repeated))
    assert found.metrics.keys() == expected.metrics.keys()
    for name, value in found.metrics.items():
        # Uncertainties, cuts that keep ten entries, and bins of as many, are about what entries are worth.
        if name.endswith(("/low", "/high", "/error", "/p_value")) or name.startswith(ABOUT_WORTH):
            continue
        assert value == pytest.approx(expected.metrics[name], abs=1e-12), name
    pair = "test/auc/ttbar_vs_zero_bias"
    widths = [result.metrics[f"{pair}/high"] - result.metrics[f"{pair}/low"] for result in (found, expected)]
    worth = np.sqrt(len(repeated["ttbar"]) / weighted["ttbar"].effective)
    assert widths[0] / widths[1] == pytest.approx(worth, rel=0.15)


def test_a_sample_of_one_weighty_entry_has_no_uncertainty():
    rng = np.random.default_rng(3)
    samples = {
        "zero_bias": scored("zero_bias", rng.normal(0, 1, 100), np.r_[1.0, np.zeros(99)], rng),
        "ttbar": scored("ttbar", rng.normal(1, 1, 100), None, rng),
    }
    found = evaluate(samples, "zero_bias", ["zero_bias"])
    assert "test/auc/ttbar_vs_zero_bias" in found.metrics
    assert "test/auc/ttbar_vs_zero_bias/low" not in found.metrics
    assert any("too few entries for an uncertainty" in warning for warning in found.warnings)
