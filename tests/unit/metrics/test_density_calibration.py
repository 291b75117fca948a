"""Calibration of a density: uniform p-values where it is right, and nowhere else."""

import numpy as np
import pytest
from scipy import stats

from hepad.metrics import density_calibration
from hepad.metrics.density import correlation_matrix


def log_prob(x):
    return -0.5 * (x**2).sum(axis=1)


def test_a_right_density_gives_uniform_p_values():
    rng = np.random.default_rng(0)
    tested = [density_calibration(*(log_prob(rng.normal(size=(n, 3))) for n in (500, 2000))) for _ in range(60)]
    assert stats.kstest(tested[0].p_values, "uniform").pvalue > 0.01
    # The probability itself is uniform.
    assert stats.kstest([found.probability for found in tested], "uniform").pvalue > 0.01


def test_values_that_entries_share_are_spread_evenly_over_those_of_the_draws():
    rng = np.random.default_rng(0)
    held, drawn = (np.where(rng.random(n) < 0.5, -1.0, rng.normal(size=n)) for n in (4000, 8000))
    found = density_calibration(held, drawn)
    counts = np.histogram(found.p_values, 10, (0, 1))[0]
    assert abs(counts - 400).max() < 80
    assert ((found.p_values > 0) & (found.p_values < 1)).all()


@pytest.mark.parametrize("width", [0.8, 1.2])
def test_a_density_that_is_too_wide_or_too_narrow_is_found(width):
    rng = np.random.default_rng(0)
    found = density_calibration(log_prob(rng.normal(size=(2000, 3))), log_prob(width * rng.normal(size=(4000, 3))))
    assert found.probability < 1e-4
    assert (np.median(found.p_values) > 0.5) == (width > 1)


def test_correlations_are_those_of_scipy_and_a_constant_has_none():
    x = np.random.default_rng(0).normal(size=(200, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(correlation_matrix(x), stats.spearmanr(x).statistic, atol=1e-12)
    constant = np.column_stack([x[:, 0], np.ones(200)])
    assert correlation_matrix(constant).tolist() == [[pytest.approx(1), 0], [0, 1]]
