"""Masses of a template follow those of the data, inside the window, however many are drawn."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from tests.searching import falling

from hepad.searches.mass import draw_masses

MASS = falling(20_000, 3)[:, -1].astype(np.float64)
INSIDE = MASS[(MASS >= 3300) & (MASS < 3700)]


def test_they_follow_the_data_and_stay_in_the_window():
    drawn = draw_masses(MASS, 3300, 3700, 20_000, np.random.default_rng(0))
    assert ((drawn > 3300) & (drawn < 3700)).all()
    assert ks_2samp(drawn, INSIDE).pvalue > 0.01
    # They are no copies.
    assert len(np.unique(drawn)) == 20_000
    # A wide kernel is another spectrum.
    assert ks_2samp(draw_masses(MASS, 3300, 3700, 20_000, np.random.default_rng(0), 2.0), INSIDE).pvalue < 1e-6


@pytest.mark.parametrize("n", [0, 1, 7, 4097])
def test_as_many_as_are_asked_for_and_the_same_by_seed(n):
    one, again = (draw_masses(MASS, 3300, 3700, n, np.random.default_rng(5)) for _ in range(2))
    assert len(one) == n
    np.testing.assert_array_equal(one, again)


def test_values_at_the_ends_of_the_window_have_no_infinite_logit():
    drawn = draw_masses(np.array([3300.0, np.nextafter(3700.0, 0)]), 3300, 3700, 100, np.random.default_rng(0))
    assert ((drawn > 3300) & (drawn < 3700)).all()
