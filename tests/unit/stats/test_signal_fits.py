"""Signal and background fitted together: against another minimiser, and what a deficit is."""

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.made_up_spectra import EDGES, WINDOW, dijet_background, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import BumpHunt, Spectrum, fit_signal, gaussian_signal, scan_spectrum, window_signal

PEAK = gaussian_signal(EDGES, 3500, 100)


def spectrum_with(signal, n_events=10000, seed=0):
    rng = np.random.default_rng(seed)
    return Spectrum(EDGES, rng.poisson(dijet_background(n_events)) + rng.poisson(signal * PEAK))


@pytest.mark.parametrize("n_events", [300, 10000])
def test_another_minimiser_finds_the_same_q0(n_events):
    spectrum = spectrum_with(0.06 * n_events, n_events)
    found = fit_signal(spectrum, PEAK)
    shape, n = found.background_only.shape, spectrum.counts

    def nll(parameters):
        mu = shape.expected(parameters[:-1]) + parameters[-1] * found.signal_error * PEAK
        return np.inf if (mu <= 0).any() else (mu - n * np.log(mu)).sum()

    theta = found.background_only.theta
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 10000, "maxfev": 10000}
    free = minimize(nll, np.append(theta, 1.0), method="Nelder-Mead", options=options)
    alone = minimize(lambda p: nll(np.append(p, 0.0)), theta, method="Nelder-Mead", options=options)
    assert found.significance.q0 == pytest.approx(2 * (alone.fun - free.fun), abs=1e-3)
    assert found.signal == pytest.approx(free.x[-1] * found.signal_error, rel=1e-2)
    assert found.expected.sum() == pytest.approx(n.sum(), rel=1e-3)


def test_the_signal_that_was_added_is_found():
    pulls = []
    for seed in range(12):
        found = fit_signal(spectrum_with(400, seed=seed), PEAK)
        pulls.append((found.signal - 400) / found.signal_error)
    assert abs(np.mean(pulls)) < 3 / np.sqrt(12)
    assert 0.5 < np.std(pulls) < 1.6


def test_a_deficit_has_no_significance_but_keeps_its_size():
    counts = drawn_spectrum(10000).counts.copy()
    counts[7:11] = np.rint(0.7 * counts[7:11])
    found = fit_signal(Spectrum(EDGES, counts), PEAK)
    assert found.significance.q0 == 0
    assert found.significance.z < -3
    assert found.significance.p > 0.99
    assert found.signal < 0


def test_a_window_without_events_is_a_deficit():
    counts = drawn_spectrum(3000).counts.copy()
    counts[7:11] = 0
    assert fit_signal(Spectrum(EDGES, counts), window_signal(EDGES, WINDOW)).significance.z < -5


def test_the_scan_has_the_same_numbers():
    for signal in (300, 0):
        spectrum = spectrum_with(signal, seed=3)
        found = fit_signal(spectrum, PEAK)
        result = scan_spectrum(BumpHunt(EDGES, (WINDOW,), form="spectrum", templates=[PEAK]), spectrum)[0]
        assert result.z == pytest.approx(found.significance.z, abs=1e-3)
        assert result.signal == pytest.approx(found.signal, rel=1e-2, abs=0.1)


def test_shares_of_a_signal():
    assert PEAK.sum() == pytest.approx(1, abs=1e-6)
    assert EDGES[np.argmax(PEAK)] in (3400, 3500)
    assert gaussian_signal(EDGES, 2600, 100).sum() == pytest.approx(0.5)
    flat = window_signal(EDGES, WINDOW)
    assert flat.sum() == pytest.approx(1)
    assert (flat > 0).sum() == 4


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (np.ones(3), "a signal of 3 bins for a spectrum of 34"),
        (np.zeros(34), "some above 0"),
        (-PEAK, "none negative"),
        (PEAK * np.nan, "none negative"),
    ],
)
def test_a_signal_that_is_none_is_refused(template, message):
    with pytest.raises(UserError, match=message):
        fit_signal(drawn_spectrum(1000), template)


def test_a_peak_without_a_width_is_refused():
    with pytest.raises(UserError, match="a width above 0"):
        gaussian_signal(EDGES, 3500, 0)
