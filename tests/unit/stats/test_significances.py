"""Significance of counts: closed formulas, MINUIT, and brute force."""

import numpy as np
import pytest
from iminuit import Minuit
from scipy.stats import binom, norm, poisson

from hepad.core.errors import UserError
from hepad.stats import counting_significance, exact_p, signed_z


def li_ma(n_on, n_off, alpha):
    """Equation 17 of T.-P. Li, Y.-Q. Ma, Astrophysical Journal 272 (1983) 317."""
    first = n_on * np.log((1 + alpha) / alpha * n_on / (n_on + n_off))
    return np.sqrt(2 * (first + n_off * np.log((1 + alpha) * n_off / (n_on + n_off))))


@pytest.mark.parametrize(("n", "b", "sigma"), [(140, 100.0, 5.0), (5, 1.0, 0.5), (30, 12.0, 6.0)])
def test_a_gamma_constraint_is_the_formula_of_li_and_ma(n, b, sigma):
    found = counting_significance(n, b, sigma, "gamma")
    assert found.z == pytest.approx(li_ma(n, b**2 / sigma**2, sigma**2 / b), rel=1e-9)


@pytest.mark.parametrize("constraint", ["gaussian", "gamma"])
def test_without_an_error_it_is_the_poisson_formula(constraint):
    n, b = 25, 12.0
    expected = np.sqrt(2 * (n * np.log(n / b) - n + b))
    assert counting_significance(n, b, 0.0, constraint).z == pytest.approx(expected)
    assert counting_significance(n, b, 1e-4, constraint).z == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("n", "b", "sigma"), [(140, 100.0, 10.0), (5, 1.0, 0.5), (60, 100.0, 5.0), (0, 3.0, 1.0)])
@pytest.mark.parametrize("constraint", ["gaussian", "gamma"])
def test_minuit_finds_the_same_q0(n, b, sigma, constraint):
    tau = b / sigma**2

    def nll(s, beta):
        held = (beta - b) ** 2 / 2 / sigma**2 if constraint == "gaussian" else tau * beta - tau * b * np.log(tau * beta)
        return s + beta - n * np.log(s + beta) + held

    def least(signal):
        minuit = Minuit(nll, signal or 0.0, b)
        minuit.errordef, minuit.tol = Minuit.LIKELIHOOD, 1e-6
        minuit.limits["beta"] = (1e-9, None)
        minuit.limits["s"] = (-b + 1e-6, None)
        minuit.fixed["s"] = signal is not None
        return minuit.migrad().fval

    # With no event at all −ln L falls towards s = −b, where it is that of β alone.
    free = least(None) if n else 0.0 if constraint == "gaussian" else tau * b - tau * b * np.log(tau * b)
    q = 2 * (least(0.0) - free)
    assert counting_significance(n, b, sigma, constraint).z == pytest.approx(np.sign(n - b) * np.sqrt(q), abs=2e-3)


def test_a_deficit_has_no_significance():
    found = counting_significance(60, 100.0, 5.0)
    assert (found.q0, found.signal) == (0.0, -40.0)
    assert found.z < 0
    assert found.p > 0.999
    assert counting_significance(100, 100.0, 5.0).p == 0.5


def test_more_events_are_more_significant_and_more_error_less():
    z = signed_z(np.arange(0, 200), 100.0, 7.0)
    assert (np.diff(z) > 0).all()
    assert (np.diff(signed_z(130, 100.0, np.linspace(0, 30, 20))) < 0).all()


@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_p_values_are_those_of_toys(sigma):
    rng = np.random.default_rng(0)
    b = np.maximum(rng.normal(50.0, sigma, 40000), 1.0)
    z = signed_z(rng.poisson(50.0, 40000), b, sigma)
    for level in (0.16, 0.023):
        assert (norm.sf(z) < level).mean() == pytest.approx(level, rel=0.15)


def test_exact_p_is_a_sum_over_counts():
    assert exact_p(5, 2.0) == pytest.approx(poisson.pmf(np.arange(5, 60), 2.0).sum())
    # n of n + m events fall into the window with probability 1/(1 + τ).
    n, b, sigma = 7, 4.0, 1.0
    tau = b / sigma**2
    m = int(tau * b)
    assert exact_p(n, b, sigma) == pytest.approx(binom.sf(n - 1, n + m, 1 / (1 + tau)))
    assert exact_p(0, 2.0) == 1.0
    assert exact_p(3, 50.0, 0.0) > 0.999


def test_exact_and_asymptotic_p_agree_for_many_events():
    assert exact_p(1100, 1000.0, 10.0) == pytest.approx(counting_significance(1100, 1000.0, 10.0, "gamma").p, rel=0.1)


@pytest.mark.parametrize(
    ("n", "b", "sigma", "constraint", "message"),
    [
        (float("nan"), 1.0, 0.0, "gaussian", "NaN"),
        (-1, 1.0, 0.0, "gaussian", "never negative"),
        (1, 1.0, -1.0, "gaussian", "never negative"),
        (1, 0.0, 0.0, "gaussian", "needs some"),
        (1, 1.0, 0.1, "uniform", "no constraint is called 'uniform': there are gaussian, gamma"),
    ],
)
def test_what_is_no_count_is_refused(n, b, sigma, constraint, message):
    with pytest.raises(UserError, match=message):
        counting_significance(n, b, sigma, constraint)
