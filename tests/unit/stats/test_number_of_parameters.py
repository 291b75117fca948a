"""Number of parameters of a background function: how often one too many is taken, and when it is needed."""

import numpy as np
import pytest
from scipy.stats import chi2
from tests.made_up_spectra import EDGES, WINDOW, dijet_background, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import Spectrum, choose_order, fit_background


@pytest.mark.parametrize("test", ["f", "likelihood_ratio"])
def test_one_more_parameter_is_taken_about_as_often_as_the_level_says(test):
    chosen = [choose_order(drawn_spectrum(3000, seed), None, test=test).fit.n_parameters for seed in range(40)]
    # 5% of 40, within three standard deviations.
    assert np.sum(np.array(chosen) > 3) <= 6


@pytest.mark.parametrize("test", ["f", "likelihood_ratio"])
def test_parameters_that_are_needed_are_taken(test):
    x = (EDGES[:-1] + EDGES[1:]) / 2 / 13000
    curved = dijet_background(1e6) * np.exp(1.5 * np.log(x / 0.25) ** 3)
    spectrum = Spectrum(EDGES, np.random.default_rng(0).poisson(curved * 1e6 / curved.sum()))
    choice = choose_order(spectrum, WINDOW, test=test)
    assert choice.fit.n_parameters > 3
    assert choice.tests[0].p_value < 1e-3
    assert choice.fit.window == WINDOW


def test_the_ratio_is_the_difference_of_deviances():
    spectrum = drawn_spectrum(3000, 5)
    found = choose_order(spectrum, None, test="likelihood_ratio").tests[0]
    difference = fit_background(spectrum).deviance - fit_background(spectrum, n_parameters=4).deviance
    assert found.statistic == pytest.approx(difference, abs=1e-6)
    assert found.p_value == pytest.approx(chi2.sf(difference, 1), abs=1e-4)


def test_a_test_that_cannot_be_made_says_why_and_takes_no_more():
    choice = choose_order(drawn_spectrum(20, 1))
    assert choice.fit.n_parameters == 3
    assert choice.tests[-1].reason
    assert np.isnan(choice.tests[-1].p_value)


def test_the_window_has_no_say():
    spectrum = drawn_spectrum(3000)
    counts = spectrum.counts.copy()
    counts[7:11] += 500
    plain, with_signal = (choose_order(Spectrum(EDGES, n), WINDOW) for n in (spectrum.counts, counts))
    assert [test.n_parameters for test in plain.tests] == [test.n_parameters for test in with_signal.tests]
    assert plain.tests[0].statistic == pytest.approx(with_signal.tests[0].statistic)


def test_a_test_of_another_name_is_refused():
    with pytest.raises(UserError, match="no test is called 'chi2': there are f, likelihood_ratio"):
        choose_order(drawn_spectrum(300), test="chi2")
