"""Upper limits by toys, against sums over counts."""

import pytest
from scipy.optimize import brentq
from scipy.stats import poisson

from hepad.core.errors import UserError
from hepad.stats import counting_limit, toy_limit


@pytest.mark.parametrize(("n", "b"), [(0, 2.0), (5, 1.0), (3, 4.0)])
def test_without_an_error_cls_is_a_ratio_of_poisson_sums(n, b):
    exact = brentq(lambda s: poisson.cdf(n, s + b) / poisson.cdf(n, b) - 0.05, 0, 30)
    assert toy_limit(n, b, n_toys=3000).observed == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("constraint", ["gaussian", "gamma"])
def test_many_events_have_the_asymptotic_limit(constraint):
    toys, formula = toy_limit(140, 100.0, 15.0, constraint, n_toys=1500), counting_limit(140, 100.0, 15.0, constraint)
    assert toys.observed == pytest.approx(formula.observed, rel=0.05)
    assert toys.expected == pytest.approx(formula.expected, rel=0.12)


def test_the_limits_expected_rise():
    expected = toy_limit(3, 4.0, 1.0, n_toys=1000).expected
    assert list(expected) == sorted(expected)
    assert expected[0] > 2.8


def test_the_same_seed_is_the_same_limit():
    assert toy_limit(3, 4.0, 1.0, n_toys=300, seed=5) == toy_limit(3, 4.0, 1.0, n_toys=300, seed=5)


def test_too_few_toys_are_refused():
    with pytest.raises(UserError, match="50 toys are too few"):
        toy_limit(3, 4.0, n_toys=50)
