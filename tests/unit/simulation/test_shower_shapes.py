"""Shapes of showers: what falls into cells adds up, and maxima lie where the literature puts them."""

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from hepad.simulation.shower_shapes import (
    CRITICAL_ENERGY,
    cell_fractions,
    draw_profile,
    electromagnetic_fraction,
    hadronic_profile,
    layer_fractions,
    mean_profile,
    widths,
)


def test_a_cell_holds_the_integral_of_the_radial_profile() -> None:
    x, y, radius = np.array([-0.3, 0.2, 1.0]), np.array([0.1, 0.6]), 0.4
    found = cell_fractions(x, y, np.array(radius))
    assert found.shape == (1, 2)

    def density(v: float, u: float) -> float:
        return radius**2 / (np.pi * (u**2 + v**2 + radius**2) ** 2)

    for i in range(2):
        wanted, _ = dblquad(density, x[i], x[i + 1], y[0], y[1])
        assert found[0, i] == pytest.approx(wanted, rel=1e-9)
    # Within r of the axis: 1 − R²/(r² + R²), by the profile in one dimension.
    inside, _ = quad(lambda r: 2 * r * radius**2 / (r**2 + radius**2) ** 2, 0, 2)
    assert inside == pytest.approx(1 - radius**2 / (4 + radius**2))


def test_layers_hold_the_integral_of_the_longitudinal_profile() -> None:
    profile, edges = mean_profile(np.array([20.0])), np.array([0.0, 3.0, 8.0, 60.0])
    alpha, beta = profile.alpha[0], profile.beta[0]
    whole, _ = quad(lambda t: (beta * t) ** (alpha - 1) * np.exp(-beta * t), 0, np.inf)
    for start in (0.0, 2.0):
        found = layer_fractions(profile, np.array([start]), edges)[0]
        for i in range(3):
            low, high = max(edges[i] - start, 0), max(edges[i + 1] - start, 0)
            part, _ = quad(lambda t: (beta * t) ** (alpha - 1) * np.exp(-beta * t), low, high)
            assert found[i] == pytest.approx(part / whole, abs=1e-9)
        assert found.sum() == pytest.approx(1, abs=1e-6)


def test_showers_are_deeper_by_a_radiation_length_for_e_times_the_energy() -> None:
    energy = np.array([10.0, 10.0 * np.e])
    first, second = mean_profile(energy).maximum
    assert first == pytest.approx(np.log(10 / CRITICAL_ENERGY) - 0.858)
    assert second - first == pytest.approx(1)


def test_profiles_fluctuate_around_the_mean_and_less_at_high_energy() -> None:
    rng = np.random.default_rng(1)
    depths = [draw_profile(np.full(20_000, energy), rng).maximum for energy in (10.0, 100.0)]
    for depth, energy in zip(depths, (10.0, 100.0), strict=True):
        # The mean of ln T is given, and is below ln of the mean T.
        assert np.log(depth).mean() == pytest.approx(np.log(np.log(energy / CRITICAL_ENERGY) - 0.812), abs=0.005)
        assert depth.mean() == pytest.approx(mean_profile(np.array([energy])).maximum[0], rel=0.03)
    assert np.log(depths[0]).std() > np.log(depths[1]).std() > 0


def test_showers_widen_with_depth_and_pions_are_deep() -> None:
    found = widths(np.array([50.0]), np.array([[0.5, 1.0, 2.0, 1e9]]))
    assert (np.diff(found.core) > 0).all()
    assert ((found.share >= 0) & (found.share <= 1)).all()
    assert np.isfinite(found.tail).all()
    energies = np.array([10.0, 100.0])
    assert (np.diff(hadronic_profile(energies).maximum) > 0).all()
    np.testing.assert_allclose(electromagnetic_fraction(np.array([1.0, 100.0])), [0, 1 - 100**-0.18])
