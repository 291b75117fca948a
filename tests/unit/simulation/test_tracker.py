import numpy as np
import pytest

from hepad.simulation.species import species_of
from hepad.simulation.tracker import (
    HALF_LENGTH,
    RADIUS,
    calorimeter_entrance,
    smear_track_pt,
    track_efficiency,
    track_resolution,
)

PION, ELECTRON, MUON, PHOTON = (int(species_of(np.array([pdg]))[0]) for pdg in (211, 11, 13, 22))


@pytest.mark.parametrize(
    ("species", "pt", "eta", "expected"),
    [
        (PION, 0.5, 1.0, 0.70),
        (PION, 5.0, 1.0, 0.95),
        (PION, 0.5, -2.0, 0.60),
        (PION, 5.0, -2.0, 0.85),
        (PION, 5.0, 2.6, 0.0),
        (PION, 0.05, 0.0, 0.0),
        (ELECTRON, 200.0, 1.0, 0.99),
        (MUON, 20.0, 2.0, 0.98),
        (PHOTON, 20.0, 0.0, 0.0),
    ],
)
def test_efficiency_is_that_of_the_cms_card(species: int, pt: float, eta: float, expected: float) -> None:
    assert track_efficiency(*map(np.array, ([pt], [eta], [species])))[0] == expected


@pytest.mark.parametrize(("eta", "a", "b"), [(0.2, 0.01, 1.5e-4), (1.0, 0.015, 2.5e-4), (-2.2, 0.025, 5.5e-4)])
@pytest.mark.parametrize("pt", [1.0, 100.0])
def test_measured_momenta_have_the_width_of_the_formula(eta: float, a: float, b: float, pt: float) -> None:
    n = 40_000
    pts = np.full(n, pt)
    resolution = track_resolution(pts, np.full(n, eta), np.full(n, PION))
    measured = smear_track_pt(pts, resolution, np.random.default_rng(0))
    assert measured.std() / pt == pytest.approx(np.sqrt(a**2 + (b * pt) ** 2), rel=0.02)
    assert measured.mean() == pytest.approx(pt, rel=0.001)


def entrance(pt: float, eta: float, charge: int) -> tuple[float, float, bool]:
    found = calorimeter_entrance(np.array([pt]), np.array([eta]), np.array([0.0]), np.array([charge]))
    return float(found[0][0]), float(found[1][0]), bool(found[2][0])


def test_neutral_particles_fly_straight() -> None:
    assert entrance(0.3, 1.2, 0) == (1.2, 0.0, True)


def test_charged_particles_curl_up_in_the_barrel_below_three_quarters_of_a_gev() -> None:
    assert not entrance(0.72, 0.1, 1)[2]
    assert entrance(0.75, 0.1, 1)[2]


def test_soft_particles_still_reach_an_endcap() -> None:
    assert entrance(0.5, 2.0, 1)[2]


def test_charges_bend_to_opposite_sides_and_stiff_ones_hardly() -> None:
    positive, negative = entrance(2.0, 0.0, 1)[1], entrance(2.0, 0.0, -1)[1]
    # Chord of a circle: sin(Δφ) = R / 2ρ, with ρ = pT / (0.3 · 3.8 T).
    assert positive == pytest.approx(-np.arcsin(RADIUS / 2 / (2.0 / 1.14)))
    assert negative == -positive
    assert abs(entrance(500.0, 0.0, 1)[1]) < 2e-3


@pytest.mark.parametrize("eta", [0.5, 1.3, 2.0])
def test_the_entrance_lies_on_the_cylinder_and_near_the_line_for_stiff_tracks(eta: float) -> None:
    found, _, _ = entrance(200.0, eta, 1)
    assert found == pytest.approx(eta, abs=1e-4)
    assert HALF_LENGTH > RADIUS
