"""Scans of windows: the numbers of single fits, and windows without a result."""

import numpy as np
import pytest
from tests.made_up_spectra import EDGES, dijet_background, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import BumpHunt, Spectrum, counting_significance, equal_bins, fit_background, scan_many, scan_spectrum

WINDOWS = ((3000, 3400), (3300, 3700), (3600, 4000))


@pytest.mark.parametrize("constraint", ["gaussian", "gamma"])
def test_a_window_is_a_side_band_fit_and_a_count(constraint):
    spectrum = drawn_spectrum(3000)
    for result in scan_spectrum(BumpHunt(EDGES, WINDOWS, constraint=constraint), spectrum):
        prediction = fit_background(spectrum, result.window).predict(result.window)
        found = counting_significance(result.observed, prediction.count, prediction.error, constraint)
        assert (result.predicted, result.error) == pytest.approx((prediction.count, prediction.error), rel=2e-3)
        assert (result.z, result.p) == pytest.approx((found.z, found.p), abs=0.02)
        assert result.signal == pytest.approx(result.observed - result.predicted)


def test_a_bump_is_found_where_it_is():
    counts = drawn_spectrum(10000).counts.copy()
    counts[7:11] += [50, 100, 100, 50]
    for form in ("counting", "spectrum"):
        results = scan_spectrum(BumpHunt(EDGES, WINDOWS, form=form), Spectrum(EDGES, counts))
        assert max(results, key=lambda result: result.z).window == (3300, 3700)
        assert results[1].signal == pytest.approx(300, rel=0.4)


def test_many_spectra_are_scanned_as_one_by_one():
    spectra = np.random.default_rng(0).poisson(dijet_background(2000), (5, 34))
    for form in ("counting", "spectrum"):
        hunt = BumpHunt(EDGES, WINDOWS, form=form)
        together = scan_many(hunt, spectra)
        alone = np.array([[r.z for r in scan_spectrum(hunt, Spectrum(EDGES, counts))] for counts in spectra])
        assert together.z == pytest.approx(alone, abs=1e-3)


@pytest.mark.parametrize("form", ["counting", "spectrum"])
def test_z_of_a_background_is_normal(form):
    spectra = np.random.default_rng(1).poisson(dijet_background(3000), (1000, 34))
    z = scan_many(BumpHunt(EDGES, WINDOWS, form=form), spectra).z
    assert np.abs(z.mean(axis=0)).max() < 0.12
    assert z.std(axis=0) == pytest.approx(np.ones(3), abs=0.08)


def test_a_window_without_a_fit_has_a_reason_and_no_number():
    counts = np.zeros(34)
    counts[[3, 30]] = 20, 5
    result = scan_spectrum(BumpHunt(EDGES, WINDOWS[1:2], n_parameters=5), Spectrum(EDGES, counts))[0]
    assert result.reason == "the fit of dijet did not converge"
    assert np.isnan([result.predicted, result.error, result.signal, result.z, result.p]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"windows": ()}, "a scan needs a window"),
        ({"windows": ((2600, 3000),)}, "a side band needs 2"),
        ({"windows": ((3.3, 3.7),)}, r"TeV/GeV"),
        ({"form": "shape"}, "no form of a scan is called 'shape': there are counting, spectrum"),
        ({"constraint": "flat"}, "no constraint"),
        ({"templates": np.ones((2, 34))}, "2 signals for 1 windows"),
        ({"edges": equal_bins(2600, 6000, 34)[4:14], "n_parameters": 5}, "5 bins for a function of 5 parameters"),
    ],
)
def test_scans_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        BumpHunt(**{"edges": EDGES, "windows": ((3300, 3700),), **arguments})


def test_spectra_of_other_bins_or_too_few_events_are_refused():
    hunt = BumpHunt(EDGES, WINDOWS)
    with pytest.raises(UserError, match="other bins than the scan"):
        scan_spectrum(hunt, Spectrum([1, 2, 3], [5, 6]))
    with pytest.raises(UserError, match="fewer than 10"):
        scan_spectrum(hunt, Spectrum(EDGES, np.eye(34)[3] * 5))
