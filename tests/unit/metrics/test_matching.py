"""Signal and reference at equal loudness: the weights do what they promise, and say where they cannot."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hepad.metrics import ScoredSample, auc, evaluate
from hepad.metrics.matching import MIN_EFFECTIVE, match


def loud_and_quiet(n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.exponential(40, n), rng.gamma(3, 40, n)


def test_both_sides_have_one_distribution_of_the_observable():
    quiet, loud = loud_and_quiet()
    found = match(quiet, loud)
    assert auc(quiet, loud) > 0.8
    assert found.usable
    for values, other in ((quiet, found.reference), (loud, found.signal)):
        assert values.shape == other.shape
        assert other.min() >= 0
        assert other.max() <= 1
    assert roc_auc_score(
        np.repeat([0, 1], quiet.size),
        np.concatenate([quiet, loud]),
        sample_weight=np.concatenate([found.reference, found.signal]),
    ) == pytest.approx(0.5, abs=0.005)
    histograms = [
        np.histogram(values, 20, (0, 300), weights=weight / weight.sum())[0]
        for values, weight in ((quiet, found.reference), (loud, found.signal))
    ]
    np.testing.assert_allclose(*histograms, atol=0.01)


def test_a_score_that_is_loudness_alone_wins_nothing_and_one_that_is_more_keeps_it():
    rng = np.random.default_rng(1)
    quiet, loud = loud_and_quiet()
    samples = {
        name: ScoredSample(name, pt + noise, {}, {"sum_pt": pt, "multiplicity": np.ones_like(pt)})
        for name, pt, noise in (
            ("b", quiet, rng.normal(0, 5, quiet.size)),
            ("loud", loud, rng.normal(0, 5, loud.size)),
            ("odd", loud, rng.normal(80, 5, loud.size)),
        )
    }
    metrics = evaluate(samples, "b", ["b"]).metrics
    assert metrics["test/auc/loud_vs_b"] > 0.8
    assert metrics["test/matched_auc/loud_vs_b"] == pytest.approx(0.5, abs=0.02)
    assert metrics["test/matched_auc/odd_vs_b"] > 0.8
    assert metrics["test/matched_baseline_auc/sum_pt/odd_vs_b"] == pytest.approx(0.5, abs=0.01)
    # One of the two signals is found at equal loudness.
    assert [metrics[f"test/matched_verdict/vs_b/{what}"] for what in ("signals", "better", "significant")] == [2, 1, 1]


def test_where_nothing_is_in_common_there_is_no_number_and_a_sentence():
    rng = np.random.default_rng(2)
    samples = {
        name: ScoredSample(name, rng.normal(size=2000), {}, {"sum_pt": rng.normal(mean, 1, 2000)})
        for name, mean in (("b", 0.0), ("s", 30.0))
    }
    result = evaluate(samples, "b", ["b"])
    assert "test/matched_auc/s_vs_b" not in result.metrics
    assert "test/matched_verdict/vs_b/signals" not in result.metrics
    assert result.metrics["test/matched_entries/s_vs_b"] < MIN_EFFECTIVE
    (sentence,) = result.unmatched
    assert sentence.startswith("s and b have hardly any Σ pT in common")
    assert f"fewer than {MIN_EFFECTIVE}" in sentence


def test_weights_that_leave_a_difference_are_not_used():
    # Every quiet entry has one value and every loud one another, beside a few of each that share a third.
    quiet = np.concatenate([np.zeros(5000), np.full(150, 10.0)])
    loud = np.concatenate([np.full(5000, 10.5), np.full(150, 10.0)])
    found = match(quiet, loud)
    assert found.usable == (found.residual is not None and abs(found.residual - 0.5) <= 0.05)
    assert not match(np.zeros(5000), np.ones(5000)).usable


def test_weights_of_the_entries_count_as_repeated_entries():
    quiet, loud = loud_and_quiet(3000)
    times = np.random.default_rng(6).integers(1, 4, loud.size)
    weighted, repeated = match(quiet, loud, None, times), match(quiet, np.repeat(loud, times))
    assert weighted.overlap == pytest.approx(repeated.overlap, abs=0.01)
    assert auc(quiet, loud, weighted.reference, weighted.signal) == pytest.approx(0.5, abs=0.01)
