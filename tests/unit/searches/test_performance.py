"""Performance of a search: the maximum is that of the metrics, blind scores improve nothing."""

import numpy as np
import pytest

from hepad.metrics import max_sic, roc_curve
from hepad.searches.performance import performance

RNG = np.random.default_rng(0)


def test_the_maximum_is_that_of_the_roc_curve_with_ten_entries_of_background():
    background, signal = RNG.normal(size=5000), RNG.normal(2, size=500)
    found = performance(background, signal)
    assert found.max_sic == pytest.approx(max_sic(roc_curve(background, signal)))
    assert found.max_sic_low < found.max_sic < found.max_sic_high
    assert max(value for value in found.sic if value is not None) <= found.max_sic
    assert found.sic[-1] == pytest.approx(1 / np.sqrt(np.mean(background >= signal.min())))
    assert found.sic[0] is None or found.low[0] < found.sic[0]


def test_the_band_holds_two_thirds_of_repetitions():
    truth = performance(RNG.normal(size=200_000), RNG.normal(1, size=200_000))
    at = 45
    held = []
    for _ in range(150):
        found = performance(RNG.normal(size=2000), RNG.normal(1, size=400))
        held.append(found.low[at] < truth.sic[at] < found.high[at])
    assert 0.55 < np.mean(held) < 0.80


def test_blind_scores_have_an_improvement_of_about_one():
    found = performance(RNG.normal(size=20_000), RNG.normal(size=20_000))
    assert found.sic[30] == pytest.approx(found.efficiency[30] ** 0.5, rel=0.1)
    assert found.max_sic < 1.5
    assert found.auc == pytest.approx(0.5, abs=0.02)


def test_too_little_of_either_has_none():
    assert performance(RNG.normal(size=9), RNG.normal(size=100)) is None
    assert performance(RNG.normal(size=100), RNG.normal(size=1)) is None
