"""Toys that are refitted: reproducible in parts, correlated as data are, and p-values that hold."""

import numpy as np
import pytest
from scipy.stats import kstest, norm
from tests.made_up_spectra import EDGES, WINDOW, dijet_background, drawn_spectrum

from hepad.core.errors import UserError
from hepad.stats import BumpHunt, Spectrum, draw_toys, fit_background, global_p, scan_many, scan_toys
from hepad.stats.toys import BLOCK

WINDOWS = ((3100.0, 3500.0), (3200.0, 3600.0), (3800.0, 4200.0))
NULL = fit_background(drawn_spectrum(2000))


@pytest.mark.parametrize("form", ["counting", "spectrum"])
def test_parts_of_a_job_have_the_bits_of_the_whole(form):
    hunt = BumpHunt(EDGES, WINDOWS, form=form)
    whole = scan_toys(hunt, [NULL], seed=3, n_toys=BLOCK + 40)
    parts = [scan_toys(hunt, [NULL], 3, n, first) for first, n in ((0, 50), (50, BLOCK - 60), (BLOCK - 10, 50))]
    assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)
    assert not np.array_equal(scan_toys(hunt, [NULL], seed=4, n_toys=50), parts[0])


def test_toys_are_drawn_from_the_fit():
    toys = draw_toys([NULL], seed=0, n_toys=1500)[:, 0]
    assert toys.mean(axis=0) == pytest.approx(NULL.expected, rel=0.02, abs=0.3)
    assert toys.var(axis=0) == pytest.approx(NULL.expected, rel=0.2, abs=0.5)
    assert draw_toys([NULL], 0, 1500, fluctuate=True)[:, 0].sum(axis=1).var() > 1.5 * toys.sum(axis=1).var()


def test_tighter_cuts_share_their_events_with_looser_ones():
    tight = fit_background(drawn_spectrum(600, 1))
    toys = draw_toys([NULL, tight], seed=0, n_toys=800, nested=True)
    assert (toys[:, 0] >= toys[:, 1]).all()
    assert toys[:, 0].mean(axis=0) == pytest.approx(NULL.expected, rel=0.05, abs=0.5)
    assert toys[:, 1].mean(axis=0) == pytest.approx(tight.expected, rel=0.08, abs=0.3)
    shared, apart = (
        np.corrcoef(t[:, 0].sum(axis=1), t[:, 1].sum(axis=1))[0, 1] for t in (toys, draw_toys([NULL, tight], 0, 800))
    )
    assert shared == pytest.approx(np.sqrt(600 / 2000), abs=0.1)
    assert abs(apart) < 0.1


def test_windows_that_overlap_are_correlated():
    z = scan_toys(BumpHunt(EDGES, WINDOWS), [NULL], seed=0, n_toys=500)[:, 0]
    correlation = np.corrcoef(z.T)
    assert correlation[0, 1] > 0.3
    assert correlation[0, 2] < 0.2


def test_global_p_counts_the_largest_of_each_toy():
    toys = np.array([[[0.5, 1.0]], [[3.0, 0.0]], [[np.nan, 2.0]], [[np.nan, np.nan]]])
    found = global_p([[2.0, 0.5]], toys)
    assert (found.exceeding, found.toys, found.p) == (2, 3, 3 / 4)
    assert found.local.tolist() == [[2 / 3, 3 / 4]]
    assert (found.best, found.best_z) == ((0, 0), 2.0)


def test_p_is_never_zero_and_a_window_without_a_fit_has_none():
    toys = np.zeros((99, 1, 2))
    found = global_p([[9.0, np.nan]], toys)
    assert found.p == 0.01
    assert np.isnan(found.local[0, 1])
    assert found.z == pytest.approx(2.326, abs=1e-3)
    # One window has a number, and the bound is its local p-value.
    assert found.bound == pytest.approx(norm.sf(9.0))


def test_independent_windows_have_the_trials_factor():
    toys = np.random.default_rng(0).normal(size=(20000, 1, 9))
    local = 1 - 0.99
    assert global_p([[2.326] * 9], toys).p == pytest.approx(1 - (1 - local) ** 9, rel=0.1)
    # Nine times the same window is one.
    assert global_p([[2.326] * 9], np.repeat(toys[:, :, :1], 9, axis=2)).p == pytest.approx(local, rel=0.3)


def test_global_p_of_backgrounds_is_uniform():
    hunt = BumpHunt(EDGES, WINDOWS)
    spectra = np.random.default_rng(5).poisson(dijet_background(2000), (200, 34))
    z = scan_many(hunt, spectra).z
    # The toys of one fit serve all: q0 hardly depends on the parameters.
    toys = scan_toys(hunt, [NULL], seed=1, n_toys=600)
    p = [global_p(row[None], toys).p for row in z]
    assert kstest(p, "uniform").pvalue > 0.001


def test_channels_may_have_different_numbers_of_parameters():
    tight = fit_background(drawn_spectrum(600, 1), None, "power", 2)
    hunts = [BumpHunt(EDGES, WINDOWS), BumpHunt(EDGES, WINDOWS, "power", 2)]
    together = scan_toys(hunts, [NULL, tight], 0, 30)
    toys = draw_toys([NULL, tight], 0, 30)
    assert together[:, 1] == pytest.approx(scan_many(hunts[1], toys[:, 1]).z, abs=1e-6)
    with pytest.raises(UserError, match="1 procedures for 2 channels"):
        scan_toys(hunts[:1], [NULL, tight], 0, 30)


@pytest.mark.parametrize(
    ("nulls", "nested", "message"),
    [
        ([], False, "toys need a fitted background"),
        ([fit_background(drawn_spectrum(2000), WINDOW)], False, "leaves out a window"),
        ([fit_background(drawn_spectrum(600)), NULL], True, "from the loosest to the tightest"),
        ([fit_background(Spectrum(EDGES[:-2], drawn_spectrum(600).counts[:-2]))], False, "other bins than the scan"),
    ],
)
def test_fits_that_are_no_null_are_refused(nulls, nested, message):
    with pytest.raises(UserError, match=message):
        scan_toys(BumpHunt(EDGES, WINDOWS), nulls, 0, 10, nested=nested)


def test_toys_of_another_scan_are_refused():
    with pytest.raises(UserError, match="other channels and windows"):
        global_p([[1.0, 2.0]], np.zeros((10, 1, 3)))
    with pytest.raises(UserError, match="no fit converged"):
        global_p([[np.nan]], np.zeros((10, 1, 1)))
