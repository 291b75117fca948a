"""Figures of a density: with latent points and without, of one column and of many."""

import numpy as np
import pytest

from hepad.plots.density import density_figures, plot_calibration, plot_correlation_matrices


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(300, 2)), rng.normal(size=(500, 2))
    return real, generated, -(real**2).sum(1), -(generated**2).sum(1)


@pytest.mark.parametrize("latent", [True, False])
def test_two_figures_of_a_density(arrays, latent):
    real, generated, log_prob, generated_log_prob = arrays
    found = list(
        density_figures(
            real, generated, real if latent else None, log_prob, generated_log_prob, ["pt", "mass"], "zero_bias"
        )
    )
    assert [figure.name for figure in found] == ["density_calibration", "density_correlations"]
    assert ("latent points" in found[0].caption) == latent
    assert "Kolmogorov-Smirnov distance 0." in found[0].caption
    assert len(found[0].figure.axes) == (3 if latent else 1)


def test_the_bars_of_p_values_are_a_density_and_one_dimension_is_drawn():
    p = (np.arange(1000) + 0.5) / 1000
    figure = plot_calibration(p, np.random.default_rng(0).normal(size=(200, 1)))
    points = figure.axes[0].containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(points, 1.0, rtol=1e-6)


def test_correlations_are_drawn_as_they_are():
    x = np.random.default_rng(0).normal(size=(500, 1))
    real, generated = np.hstack([x, x, -x]), np.random.default_rng(1).normal(size=(500, 3))
    figure = plot_correlation_matrices(real, generated, ["a", "b", "c"])
    tables = [axes.collections[0].get_array() for axes in figure.axes[:3]]
    np.testing.assert_allclose(tables[0], [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-12)
    np.testing.assert_allclose(tables[2], tables[1] - tables[0], atol=1e-12)
    assert abs(tables[1][0, 1]) < 0.2
