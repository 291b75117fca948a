"""Upper limits: against pyhf, in the same models."""

import numpy as np
import pyhf
import pytest
from tests.made_up_spectra import EDGES, INSIDE, WINDOW, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import (
    CorrelatedModel,
    CountModel,
    FitError,
    SpectrumModel,
    counting_limit,
    fit_background,
    gaussian_signal,
    shifts_of,
    upper_limit,
)

PEAK = gaussian_signal(EDGES, 3500, 100)
SPECTRUM = drawn_spectrum(3000)


def agrees_with_pyhf(found, tolerance, counts, signal, background, modifiers):
    """Check that CLs of pyhf falls through 5% within a tolerance of a limit, as observed and as expected."""
    samples = [
        {"name": "signal", "data": list(signal), "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
        {"name": "background", "data": list(background), "modifiers": modifiers},
    ]
    model = pyhf.Model({"channels": [{"name": "bins", "samples": samples}]}, poi_name="mu", validate=False)
    model.config.par_map["mu"]["paramset"].suggested_bounds = [(0, 5 * found.expected[-1])]
    data = [*counts, *model.config.auxdata]

    def cls(events):
        observed, expected = pyhf.infer.hypotest(events, data, model, return_expected_set=True)
        return [float(observed), float(expected[2]), float(expected[4])]

    for i, limit in enumerate((found.observed, found.median, found.expected[-1])):
        assert cls(limit / (1 + tolerance))[i] > 0.05 > cls(limit * (1 + tolerance))[i]


def numbers(limit):
    return [limit.observed, *limit.expected]


def shapesys(sigma):
    return [{"name": "u", "type": "shapesys", "data": list(sigma)}]


def histosys(background, shifts):
    b = np.asarray(background)
    return [
        {"name": f"u{k}", "type": "histosys", "data": {"hi_data": list(b + d), "lo_data": list(b - d)}}
        for k, d in enumerate(np.asarray(shifts))
    ]


@pytest.mark.parametrize(("n", "b", "sigma"), [(12, 10.0, 2.0), (0, 2.0, 0.5)])
def test_a_count_with_a_constrained_background_agrees_with_pyhf(n, b, sigma):
    agrees_with_pyhf(counting_limit(n, b, sigma, "gamma"), 3e-3, [n], [1.0], [b], shapesys([sigma]))
    agrees_with_pyhf(counting_limit(n, b, sigma), 3e-3, [n], [1.0], [b], histosys([b], [[sigma]]))


def test_a_count_with_a_relative_error_agrees_with_pyhf():
    normsys = [{"name": "u", "type": "normsys", "data": {"hi": 1.15, "lo": 1 / 1.15}}]
    found = upper_limit(CorrelatedModel([140], [1.0], [100.0], [[100 * np.log(1.15)]]))
    agrees_with_pyhf(found, 3e-3, [140], [1.0], [100.0], normsys)


def test_a_peak_on_a_side_band_fit_agrees_with_pyhf():
    fit = fit_background(SPECTRUM, WINDOW)
    counts, share, b = SPECTRUM.counts[INSIDE], PEAK[INSIDE], fit.expected[INSIDE]
    shifts = shifts_of(fit.expected_covariance[np.ix_(INSIDE, INSIDE)])
    found = upper_limit(CorrelatedModel(counts, share, b, shifts))
    agrees_with_pyhf(found, 0.02, counts, share, b, histosys(b, shifts))
    # Where the whole spectrum is fitted, the side bands hold the background as the covariance says.
    assert numbers(upper_limit(SpectrumModel(SPECTRUM, PEAK))) == pytest.approx(numbers(found), rel=0.05)


def test_a_spectrum_with_errors_of_its_bins_agrees_with_pyhf():
    b = fit_background(SPECTRUM, WINDOW).expected[INSIDE]
    counts, share = SPECTRUM.counts[INSIDE], PEAK[INSIDE]
    found = upper_limit(CountModel(counts, share, b, 0.1 * b, "gamma"))
    agrees_with_pyhf(found, 3e-3, counts, share, b, shapesys(0.1 * b))


def test_limits_grow_with_what_is_seen_and_with_the_error():
    observed = [counting_limit(n, 20.0, 3.0).observed for n in range(5, 50, 5)]
    assert (np.diff(observed) > 0).all()
    medians = [counting_limit(20, 20.0, sigma).median for sigma in (0.0, 2.0, 5.0, 8.0)]
    assert (np.diff(medians) > 0).all()
    assert (np.diff(counting_limit(20, 20.0, 3.0).expected) > 0).all()
    assert counting_limit(20, 20.0, 3.0, level=0.99).observed > counting_limit(20, 20.0, 3.0).observed


def test_what_is_expected_is_seen_where_data_are_as_expected():
    found = counting_limit(100, 100.0, 5.0)
    assert found.observed == pytest.approx(found.median, rel=1e-3)


def test_half_the_signal_outside_the_spectrum_doubles_the_limit():
    whole = upper_limit(CountModel([30, 12], [0.6, 0.4], [28.0, 14.0], [3.0, 2.0]))
    half = upper_limit(CountModel([30, 12], [0.3, 0.2], [28.0, 14.0], [3.0, 2.0]))
    assert numbers(half) == pytest.approx([2 * value for value in numbers(whole)], rel=1e-3)


def test_one_shift_of_one_bin_is_a_count_with_a_small_error():
    one = numbers(upper_limit(CorrelatedModel([110], [1.0], [100.0], [[3.0]])))
    assert one == pytest.approx(numbers(counting_limit(110, 100.0, 3.0)), rel=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: counting_limit(12, 0.0), "background above 0"),
        (lambda: counting_limit(-1, 10.0), "none negative"),
        (lambda: counting_limit(12, 10.0, -1.0), "none negative"),
        (lambda: counting_limit(12, 10.0, 1.0, "flat"), "no constraint"),
        (lambda: counting_limit(12, 10.0, level=95), "between 0.5 and 1, not 95"),
        (lambda: CountModel([1, 2], [1.0], [3.0, 4.0], 1.0), "a signal of 1 bins for a spectrum of 2"),
        (lambda: CountModel([1, 2], [1.0, 1.0], [3.0], 1.0), "1 backgrounds for 2 counts"),
        (lambda: CorrelatedModel([1, 2], [1.0, 1.0], [3.0, 4.0], [[1.0]]), "of a background in 2 bins"),
    ],
)
def test_models_that_are_none_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_spectrum_that_cannot_be_fitted_has_no_limit():
    counts = np.zeros(34)
    counts[[7, 30]] = 20, 5
    with pytest.raises(FitError):
        SpectrumModel(type(SPECTRUM)(EDGES, counts), PEAK, n_parameters=5)
