"""Refits of many spectra at once, against MINUIT one by one."""

import numpy as np
import pytest
from tests.made_up_spectra import EDGES, INSIDE, WINDOW, dijet_background

from hepad.stats import FitError, Spectrum, fit_background
from hepad.stats.refits import refit
from hepad.stats.shapes import make_shape

EVERYTHING = np.ones(EDGES.size - 1, dtype=bool)


def drawn(n_events, n_spectra, seed=0):
    return np.random.default_rng(seed).poisson(dijet_background(n_events), (n_spectra, EDGES.size - 1)).astype(float)


@pytest.mark.parametrize(("n_events", "n_parameters"), [(158, 3), (3000, 4), (1e6, 5)])
def test_minuit_finds_the_same(n_events, n_parameters):
    spectra = drawn(n_events, 12)
    fits = refit(make_shape(EDGES, "dijet", n_parameters), spectra, ~INSIDE)
    for i, counts in enumerate(spectra):
        minuit = fit_background(Spectrum(EDGES, counts), WINDOW, "dijet", n_parameters)
        prediction = minuit.predict(WINDOW)
        slopes = fits.slopes[i, INSIDE].sum(axis=0)
        assert fits.converged[i]
        assert fits.deviance[i] == pytest.approx(minuit.deviance, abs=1e-4)
        assert fits.expected[i, INSIDE].sum() == pytest.approx(prediction.count, abs=5e-3 * prediction.error)
        assert np.sqrt(slopes @ fits.covariance[i] @ slopes) == pytest.approx(prediction.error, rel=0.03)


def test_a_fit_does_not_depend_on_what_is_fitted_beside_it():
    spectra, shape = drawn(500, 40), make_shape(EDGES, "dijet", 3)
    together, alone = refit(shape, spectra, ~INSIDE), refit(shape, spectra[7:8], ~INSIDE)
    assert together.theta[7] == pytest.approx(alone.theta[0], rel=1e-9)


def test_nearly_all_fits_of_few_events_converge():
    assert refit(make_shape(EDGES, "dijet", 3), drawn(100, 400), ~INSIDE).converged.mean() > 0.99


def test_a_fit_without_a_minimum_has_no_numbers():
    counts = np.zeros((2, EDGES.size - 1))
    counts[0, [7, 30]] = 20, 5
    counts[1] = drawn(1000, 1)[0]
    fits = refit(make_shape(EDGES, "dijet", 5), counts, EVERYTHING)
    assert fits.converged.tolist() == [False, True]
    assert np.isnan(fits.expected[0]).all()
    assert np.isnan(fits.theta[0]).all()
    assert np.isnan(fits.deviance[0])
    assert np.isfinite(fits.expected[1]).all()
    with pytest.raises(FitError):
        fit_background(Spectrum(EDGES, counts[0]), None, "dijet", 5)


def test_a_signal_is_found_among_the_background():
    shape, share = make_shape(EDGES, "dijet", 3), INSIDE / INSIDE.sum()
    fits = refit(shape, (dijet_background(1e5) + 3000 * share)[None], EVERYTHING, share * 100)
    assert fits.converged[0]
    assert fits.theta[0, -1] * 100 == pytest.approx(3000, rel=1e-3)
