"""Significance of counts: against probabilities summed by hand, its limits, and toys."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from hepad.metrics import count_significance


def at_least(n: int, b: float) -> float:
    """P(N ≥ n) of a Poisson mean, term by term."""
    return 1 - sum(math.exp(-b) * b**k / math.factorial(k) for k in range(n))


@pytest.mark.parametrize(("n", "b"), [(1, 0.02), (3, 0.5), (12, 4.0), (30, 20.0)])
def test_an_excess_is_the_probability_of_as_many_or_more(n, b):
    assert count_significance([n], [b])[0] == pytest.approx(norm.isf(at_least(n, b)), rel=1e-9)


def test_a_deficit_is_below_0_and_a_usual_count_is_0():
    few = 1 - at_least(5, 12.0)
    z = count_significance([4, 0, 12, 0, 0], [12.0, 0.02, 12.0, 0.0, 5.0])
    assert z[0] == pytest.approx(-norm.isf(few))
    assert z[1:4].tolist() == [0, 0, 0]
    assert z[4] == pytest.approx(-norm.isf(math.exp(-5)))
    assert count_significance([1], [0.0])[0] == np.inf


def test_many_entries_have_the_pull_of_a_normal_distribution_with_the_error_of_the_expectation():
    n, b, sigma = 1_040_000.0, 1_000_000.0, 8_000.0
    assert count_significance([n], [b], [sigma])[0] == pytest.approx((n - b) / math.sqrt(b + sigma**2), rel=0.02)
    assert count_significance([n - 80_000], [b], [sigma])[0] == pytest.approx(
        -(n - b) / math.sqrt(b + sigma**2), rel=0.02
    )


def test_an_uncertain_expectation_is_averaged_over():
    # A gamma distribution of mean 3 and variance 4, by numbers drawn from it.
    means = np.random.default_rng(0).gamma(9 / 4, 4 / 3, 200_000)
    counts = np.random.default_rng(1).poisson(means)
    assert norm.sf(count_significance([8], [3.0], [2.0])[0]) == pytest.approx((counts >= 8).mean(), rel=0.03)


def test_what_no_probability_can_hold_goes_on_without_a_jump():
    # Either side of where p is 1e-300.
    near = count_significance(np.arange(440, 470), np.full(30, 20.0))
    assert np.all(np.diff(near) > 0)
    assert np.diff(near).max() < 3 * np.diff(near).min()
    uncertain = count_significance([5000, 50_000], [10.0, 10.0], [1.0, 1.0])
    assert 30 < uncertain[0] < uncertain[1] < count_significance([50_000], [10.0])[0]
