"""Rates against thresholds, and scores of a few bits."""

import numpy as np
import pytest

from hepad.metrics import share_beyond, trigger_rate
from hepad.metrics.rate_curve import quantised, rate_curve


def test_rates_fall_and_are_those_of_the_share_beyond() -> None:
    background = np.random.default_rng(0).exponential(size=2000)
    curve = rate_curve(background)
    assert (np.diff(curve.threshold) > 0).all()
    assert (np.diff(curve.rate) < 0).all()
    assert (curve.low < curve.rate).all()
    assert (curve.rate < curve.high).all()
    for place in (0, 50, -1):
        share = share_beyond(background, curve.threshold[place])
        assert curve.rate[place] == trigger_rate(share.value)
    assert share.beyond == 10


def test_weights_count_as_what_they_are_worth() -> None:
    background = np.random.default_rng(0).exponential(size=500)
    plain, doubled = rate_curve(background), rate_curve(background, np.full(500, 2.0))
    np.testing.assert_allclose(doubled.rate, plain.rate)
    uneven = rate_curve(background, np.where(background > np.median(background), 0.01, 1.0))
    assert uneven.rate[len(uneven.rate) // 2] < plain.rate[len(plain.rate) // 2]


def test_equal_scores_are_all_kept_or_all_removed() -> None:
    curve = rate_curve(np.repeat(np.arange(5.0), 20))
    assert curve.threshold.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_ten_entries_tell_no_rate() -> None:
    with pytest.raises(ValueError, match="10 background entries"):
        rate_curve(np.arange(10.0))


def test_whole_numbers_keep_the_order_and_saturate() -> None:
    values = np.linspace(-1, 3, 1000)
    whole = quantised(values, 6, 0.0, 2.0)
    assert (np.diff(whole) >= 0).all()
    assert (whole.min(), whole.max()) == (0, 63)
    inside = (values >= 0) & (values <= 2)
    assert np.abs(whole[inside] * 2 / 63 - values[inside]).max() <= 1 / 63 + 1e-12


def test_one_value_alone_is_zero() -> None:
    assert quantised(np.ones(3), 8, 1.0, 1.0).tolist() == [0, 0, 0]
