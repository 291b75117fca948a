import numpy as np
import pytest

from hepad.simulation.clustering import pileup_density, pileup_offset
from hepad.simulation.jets import correction, response


def uniform_event(n: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return np.zeros(n, dtype=int), np.full(n, 0.01), rng.uniform(-5, 5, n), rng.uniform(-np.pi, np.pi, n)


def test_density_of_evenly_spread_momentum_is_found_in_every_range() -> None:
    n = 200_000
    rho = pileup_density(*uniform_event(n, 0), n_events=1)
    np.testing.assert_allclose(rho, 0.01 * n / (10 * 2 * np.pi), rtol=0.02)


def test_a_few_hard_particles_do_not_change_the_density() -> None:
    event, pt, eta, phi = uniform_event(100_000, 0)
    before = pileup_density(event, pt, eta, phi, 1)
    pt[:5] = 500.0
    np.testing.assert_allclose(pileup_density(event, pt, eta, phi, 1), before, rtol=0.02)


def test_events_do_not_mix() -> None:
    event, pt, eta, phi = uniform_event(100_000, 0)
    rho = pileup_density(event + 1, pt, eta, phi, 3)
    assert (rho[[0, 2]] == 0).all()
    assert (rho[1] > 0).all()


def test_the_offset_takes_the_density_of_the_right_range() -> None:
    rho = np.array([[1.0, 10.0, 100.0, 1000.0]])
    offsets = [pileup_offset(rho, np.array([0]), np.array([eta]))[0] for eta in (0.5, -2.0, 2.7, -4.9)]
    ratio = np.array(offsets) / rho[0]
    assert ((ratio > 0.5) & (ratio < 2)).all()


def test_correction_undoes_offset_and_response() -> None:
    true, eta, area = np.array([40.0, 80.0, 500.0]), np.array([0.3, 2.0, -1.0]), np.full(3, 0.5)
    rho = np.array([[6.0, 6.0, 9.0, 9.0]])
    event = np.zeros(3, dtype=int)
    raw = true * response(true, eta) + pileup_offset(rho, event, eta) * area
    np.testing.assert_allclose(raw * correction(raw, eta, area, rho, event), true, rtol=0.01)


def test_pure_pileup_is_corrected_to_nothing() -> None:
    rho = np.full((1, 4), 100.0)
    found = correction(np.array([12.0]), np.array([0.0]), np.array([0.5]), rho, np.array([0]))
    assert found[0] == 0


def test_response_rises_to_a_plateau_below_one() -> None:
    pt = np.array([20.0, 50.0, 200.0, 2000.0])
    found = response(pt, np.zeros(4))
    assert (np.diff(found) > 0).all()
    assert found[0] == pytest.approx(0.88, abs=0.01)
    assert found[-1] < 0.985
