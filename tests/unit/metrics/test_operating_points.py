"""Thresholds, their intervals and p-values against SciPy's distributions and many draws."""

import numpy as np
import pytest
from scipy import stats

from hepad.core.errors import UserError
from hepad.metrics import ScoreCalibration, agreement_p_value, binomial_interval, choose_cut, share_beyond, tpr_at_fpr
from hepad.metrics.rates import named_fpr, parse_rate, wanted_fpr


@pytest.mark.parametrize(("beyond", "entries"), [(0, 50), (7, 50), (50, 50), (12, 100_000)])
def test_the_interval_is_that_of_scipy(beyond, entries):
    theirs = stats.binomtest(beyond, entries).proportion_ci(confidence_level=stats.norm.cdf(1) - stats.norm.cdf(-1))
    np.testing.assert_allclose(binomial_interval(beyond, entries), theirs, rtol=1e-9)


def test_a_cut_is_that_of_the_efficiencies_and_lies_in_its_interval():
    rng = np.random.default_rng(0)
    background, signal = rng.normal(size=5000), rng.normal(1, 1, 800)
    for weight in (None, rng.uniform(0.5, 2, 5000)):
        cut = choose_cut(background, 0.02, weight)
        assert cut is not None
        expected = tpr_at_fpr(background, signal, 0.02, background_weight=weight)
        assert (signal > cut.threshold).mean() == expected
        assert cut.low < cut.threshold < cut.high
        assert cut.share.low < cut.share.value <= 0.02 < cut.share.high
    # Half of the entries weigh nothing: they are not there.
    weight = np.repeat([1.0, 0.0], 2500)
    assert choose_cut(background, 0.02, weight) == choose_cut(background[:2500], 0.02)


def test_ten_entries_must_lie_beyond_a_cut():
    scores = np.arange(1000)
    assert choose_cut(scores, 0.01) is not None
    assert choose_cut(scores, 0.0099) is None
    # 20 entries lie beyond, of which one weighs as much as a thousand others.
    weight = np.ones(1000)
    weight[-1] = 1000
    assert choose_cut(scores, 0.6, weight) is None


def test_the_agreement_of_other_background_is_uniform():
    """As often as chance has it below 10% and below 50%, for thresholds that were chosen on so few."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        chosen, tested = rng.normal(size=800), rng.normal(size=1200)
        cut = choose_cut(chosen, 0.05)
        found.append(agreement_p_value(cut.share, share_beyond(tested, cut.threshold)))
    for level in (0.1, 0.5):
        assert abs((np.array(found) < level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 400)
    cut = choose_cut(chosen, 0.05)
    assert agreement_p_value(cut.share, share_beyond(tested + 0.5, cut.threshold)) < 1e-3


def test_the_agreement_sums_scipys_beta_binomial():
    chosen, tested = share_beyond(np.arange(200), 179), share_beyond(np.arange(300), 259)
    law = stats.betabinom(300, 21, 180)
    assert agreement_p_value(chosen, tested) == pytest.approx(min(1, 2 * min(law.cdf(40), law.sf(39))))


@pytest.mark.parametrize("weighted", [False, True])
def test_p_values_are_uniform_on_background(weighted):
    rng = np.random.default_rng(2)
    if weighted:
        # Drawn too often where the score is high, and weighted back.
        calibration = rng.normal(0.5, 1, 20_000)
        weight = np.exp(-0.5 * calibration + 0.125)
    else:
        calibration, weight = rng.normal(size=4000), None
    p = ScoreCalibration.of(calibration, weight).p_values(rng.normal(size=1000))
    assert stats.kstest(p, "uniform").pvalue > 0.01
    if weighted:
        p = ScoreCalibration.of(calibration).p_values(rng.normal(size=1000))
        assert stats.kstest(p, "uniform").pvalue < 1e-6


def test_p_values_count_ties_and_keep_holes():
    calibration = ScoreCalibration.of([1.0, 2.0, 2.0, 3.0])
    np.testing.assert_array_equal(calibration.p_values([2.0, 3.5, np.nan]), [0.8, 0.2, np.nan])


def test_rates_in_words():
    assert parse_rate("0.5 MHz") == 5e5
    assert wanted_fpr(events_per_day=86_400 * 28.6068e6 / 1000)[1] == pytest.approx(1e-3, rel=1e-4)
    for given in ({"rate": "1kg"}, {"rate": "1..2kHz"}, {"rate": "40MHz"}, {}, {"fpr": 0.1, "rate": 3}, {"fpr": 0.0}):
        with pytest.raises(UserError, match=r"rate|fpr"):
            named_fpr(**given)
