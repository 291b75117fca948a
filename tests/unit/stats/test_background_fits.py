"""Background fits: against another minimiser, and what they promise of a window."""

import sys

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kstest
from tests.made_up_spectra import EDGES, INSIDE, WINDOW, dijet_background, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import FAMILIES, FitError, Spectrum, equal_bins, fit_background, goodness_of_fit, signed_pulls
from hepad.stats.minimising import minimise
from hepad.stats.refits import refit


@pytest.mark.parametrize("key", FAMILIES)
@pytest.mark.parametrize("n_events", [300, 30000])
def test_another_minimiser_finds_the_same_minimum(key, n_events):
    spectrum = drawn_spectrum(n_events)
    fit = fit_background(spectrum, WINDOW, key, FAMILIES[key].fewest)
    n = spectrum.counts[~INSIDE]

    def nll(theta):
        mu = fit.shape.expected(theta)[~INSIDE]
        return (mu - n * np.log(mu)).sum()

    rng = np.random.default_rng(0)
    start = fit.theta + 0.1 * rng.normal(size=fit.theta.size)
    other = minimize(nll, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 5000})
    assert nll(fit.theta) <= other.fun + 1e-4
    assert fit.shape.expected(other.x) == pytest.approx(fit.expected, rel=0.02, abs=0.01)


def test_parameters_of_the_truth_are_found():
    fit = fit_background(Spectrum(EDGES, np.rint(dijet_background(1e9))))
    assert fit.parameters[1:] == pytest.approx([9.0, 7.0], rel=1e-3)
    assert fit.goodness.chi2 < 1


def test_what_is_in_the_window_does_not_count():
    spectrum = drawn_spectrum(3000)
    other = Spectrum(EDGES, np.where(INSIDE, 0, spectrum.counts))
    assert fit_background(spectrum, WINDOW).theta == pytest.approx(fit_background(other, WINDOW).theta, rel=1e-12)


def test_the_unit_of_the_mass_changes_no_prediction():
    spectrum = drawn_spectrum(3000)
    in_tev = fit_background(Spectrum(EDGES / 1000, spectrum.counts), (3.3, 3.7), sqrt_s=13.0)
    in_gev = fit_background(spectrum, WINDOW)
    assert in_tev.predict((3.3, 3.7)).count == pytest.approx(in_gev.predict(WINDOW).count, rel=1e-4)
    assert in_tev.predict((3.3, 3.7)).error == pytest.approx(in_gev.predict(WINDOW).error, rel=1e-3)


@pytest.mark.parametrize("n_events", [1000, 30000])
def test_the_error_of_a_prediction_is_the_spread_of_a_bootstrap(n_events):
    fit = fit_background(drawn_spectrum(n_events), WINDOW)
    toys = np.random.default_rng(1).poisson(fit.expected, size=(1500, EDGES.size - 1)).astype(float)
    spread = refit(fit.shape, toys, fit.fitted).expected[:, INSIDE].sum(axis=1).std()
    assert fit.predict(WINDOW).error == pytest.approx(spread, rel=0.08)


def test_pulls_of_the_prediction_are_normal():
    truth = dijet_background(3000)
    spectra = np.random.default_rng(2).poisson(truth, size=(1000, truth.size)).astype(float)
    shape = fit_background(drawn_spectrum(3000)).shape
    fits = refit(shape, spectra, ~INSIDE)
    slopes = fits.slopes[:, INSIDE].sum(axis=1)
    errors = np.sqrt(np.einsum("tk,tkl,tl->t", slopes, fits.covariance, slopes))
    pulls = (fits.expected[:, INSIDE].sum(axis=1) - truth[INSIDE].sum()) / errors
    assert kstest(pulls, "norm").pvalue > 0.001


def test_covariances_of_bins_and_of_the_formula_belong_together():
    fit = fit_background(drawn_spectrum(3000), WINDOW)
    bins = fit.expected_covariance[np.ix_(INSIDE, INSIDE)]
    assert fit.predict(WINDOW).error == pytest.approx(np.sqrt(bins.sum()))
    assert fit.expected_errors[INSIDE] == pytest.approx(np.sqrt(np.diag(bins)))
    # A step of the formula's parameters, seen in the bins.
    step = 1e-4 * np.sqrt(np.diag(fit.covariance))
    moved = fit.shape.expected(fit.shape.from_formula(fit.parameters + step))
    first_order = fit.shape.expected_and_slopes(fit.theta)[1] @ fit.shape.from_formula(step)
    assert moved - fit.expected == pytest.approx(first_order, rel=1e-2, abs=1e-6)


def test_goodness_is_uniform_for_the_right_function_and_small_for_a_wrong_one():
    truth = dijet_background(3000)
    spectra = np.random.default_rng(3).poisson(truth, size=(400, truth.size)).astype(float)
    shape = fit_background(drawn_spectrum(3000)).shape
    expected = refit(shape, spectra, np.ones(truth.size, dtype=bool)).expected
    p = [goodness_of_fit(n, mu, 3).p_value for n, mu in zip(spectra, expected, strict=True)]
    assert kstest(p, "uniform").pvalue > 0.001
    bump = Spectrum(EDGES, np.where(INSIDE, 2, 1) * np.rint(truth))
    assert fit_background(bump).goodness.p_value < 1e-6


def test_pulls_are_deviations_over_their_root_for_large_counts():
    assert signed_pulls([10300.0], [10000.0]) == pytest.approx([3.0], rel=0.01)
    assert signed_pulls([0.0, 5.0], [0.5, 5.0]) == pytest.approx([-1.0, 0.0])


def test_a_fit_that_does_not_converge_is_named_and_no_number():
    counts = np.zeros(34)
    counts[[7, 30]] = 20, 5
    with pytest.raises(FitError, match="the fit of dijet with 5 parameters"):
        fit_background(Spectrum(EDGES, counts), None, "dijet", 5)


def test_without_iminuit_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "iminuit", None)
    with pytest.raises(UserError, match=r'pip install "hepad\[search\]"'):
        fit_background(drawn_spectrum(300))


def test_a_minimum_that_is_none_is_refused():
    with pytest.raises(FitError, match="a slope did not converge: no minimum from 1 starts"):
        minimise(lambda p: float(p[0]), lambda p: np.ones(1), [np.zeros(1)], "a slope")


@pytest.mark.parametrize(
    ("counts", "window", "n_parameters", "message"),
    [
        (np.zeros(34), None, 3, "the spectrum is empty"),
        (np.eye(1, 34)[0] * 9, None, 3, "9 events in the spectrum, fewer than 10"),
        (np.full(34, 5), (2600, 2800), 3, "0 bins below it"),
        (np.where(INSIDE, 50, 0), WINDOW, 3, "0 events outside the window for 3 parameters"),
    ],
)
def test_spectra_that_cannot_be_fitted_are_refused(counts, window, n_parameters, message):
    with pytest.raises(UserError, match=message):
        fit_background(Spectrum(EDGES, counts), window, "dijet", n_parameters)


def test_fewer_bins_than_parameters_are_refused():
    with pytest.raises(UserError, match="3 bins for a function of 3 parameters"):
        fit_background(Spectrum(equal_bins(2600, 6000, 3), [50, 20, 5]))
