"""Cuts: only where they can be placed, and as a trigger would apply them."""

import numpy as np
import pytest

from hepad.metrics import max_sic, roc_curve, sic_curve, tpr_at_fpr, trigger_rate


def test_tpr_is_the_share_of_signal_beyond_the_cut():
    background = np.arange(1000.0)  # 10 entries lie above 989
    assert tpr_at_fpr(background, [500.0, 989.0, 989.5, 2000.0], 1e-2) == 0.5


def test_fewer_than_ten_entries_beyond_the_cut_give_none():
    assert tpr_at_fpr(np.arange(999.0), [2000.0], 1e-2) is None
    assert tpr_at_fpr(np.arange(1000.0), [2000.0], 1e-2) == 1.0
    assert tpr_at_fpr(np.arange(1000.0), [2000.0], 1e-3) is None
    assert tpr_at_fpr(np.arange(1000.0), [2000.0], 1e-3, min_entries=1) == 1.0


@pytest.mark.parametrize(("fpr", "n"), [(1e-2, 1000), (1e-3, 10_000), (1e-4, 100_000), (0.07, 1000), (0.29, 100)])
def test_a_rate_that_is_a_whole_number_of_entries_lets_them_all_through(fpr, n):
    background = np.arange(float(n))
    signal = background  # then TPR = FPR, exactly
    assert tpr_at_fpr(background, signal, fpr) == pytest.approx(fpr, rel=1e-12)


def test_tied_background_never_exceeds_the_allowed_rate():
    background = np.r_[np.zeros(900), np.ones(80), np.full(20, 2.0)]
    # 100 entries are allowed; the cut at 0 lets exactly these through.
    assert tpr_at_fpr(background, [0.5, 1.0, 2.0, 0.0], 0.1) == 0.75
    # 50 are allowed: the 80 tied at 1 must go, 20 remain.
    assert tpr_at_fpr(background, [1.0, 2.0], 0.05) == 0.5
    # 19 are allowed, but the highest 20 are tied: nothing can be selected.
    assert tpr_at_fpr(background, [3.0], 0.019) is None


def test_agrees_with_the_roc_curve():
    rng = np.random.default_rng(0)
    background, signal = rng.normal(size=5000), rng.normal(1, 1, 3000)
    curve = roc_curve(background, signal)
    for fpr in (0.5, 0.1, 0.01, 0.0021):
        assert tpr_at_fpr(background, signal, fpr) == pytest.approx(curve.tpr[curve.fpr <= fpr + 1e-12].max(), abs=1e-3)


def test_everything_passes_at_a_rate_of_one():
    assert tpr_at_fpr(np.arange(10.0), [-1.0], 1.0) == 1.0
    assert tpr_at_fpr(np.arange(9.0), [-1.0], 1.0) is None


@pytest.mark.parametrize("fpr", [0.0, -0.1, 1.5])
def test_a_rate_that_is_none_is_refused(fpr):
    with pytest.raises(ValueError, match="false-positive rate"):
        tpr_at_fpr([1.0], [1.0], fpr)


def test_sic_is_tpr_over_root_fpr_where_ten_entries_remain():
    rng = np.random.default_rng(1)
    background, signal = rng.normal(size=2000), rng.normal(2, 1, 500)
    roc = roc_curve(background, signal)
    curve = sic_curve(roc)
    cuts = [t for t in roc.thresholds if np.count_nonzero(background >= t) >= 10]
    expected = [np.mean(signal >= t) / np.sqrt(np.mean(background >= t)) for t in cuts]
    assert curve.sic == pytest.approx(expected)
    assert max_sic(roc) == pytest.approx(max(expected))
    assert curve.sic[-1] == 1.0


def test_sic_does_not_profit_from_the_last_background_entries():
    background, signal = np.arange(1000.0), np.full(100, 1e4)
    # Perfect separation: without the rule SIC would be infinite.
    assert max_sic(roc_curve(background, signal)) == pytest.approx(1 / np.sqrt(10 / 1000))


def test_sic_of_too_little_background_is_none():
    assert max_sic(roc_curve(np.arange(9.0), [1.0, 2.0])) is None


def test_trigger_rate_is_in_hertz():
    assert trigger_rate(1.0) == pytest.approx(28.61e6, rel=1e-3)
    assert trigger_rate(1e-4) == pytest.approx(2861, rel=1e-3)
