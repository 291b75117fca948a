"""What the preprocessing promises: images that do not see where a jet is, how it is turned or mirrored."""

import time

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.data.jet_preprocessing import CENTERS, JetImaging


@pytest.fixture
def jets() -> np.ndarray:
    """Random jets `(200, 30, 3)` with empty slots, well inside the image."""
    rng = np.random.default_rng(0)
    pt = -np.sort(-rng.exponential(20.0, (200, 30)), axis=1)
    jet = rng.uniform([-2, -np.pi], [2, np.pi], (200, 1, 2))
    spread = rng.normal(0, 0.12, (200, 30, 2)) * [1.0, 1.7]
    constituents = np.concatenate([pt[..., None], jet + spread], axis=2)
    constituents[..., 2] = wrapped(constituents[..., 2])
    constituents[np.arange(30) >= rng.integers(3, 30, 200)[:, None]] = 0
    return constituents


def wrapped(phi: np.ndarray) -> np.ndarray:
    return (phi + np.pi) % (2 * np.pi) - np.pi


def moved(jets: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """The same jets with other Δη, Δφ around a fixed point; empty slots stay empty."""
    out = np.stack([jets[..., 0], eta, wrapped(phi)], axis=2)
    return np.where(jets[..., :1] > 0, out, 0.0)


def offsets(jets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return jets[..., 1] - jets[:, :1, 1], wrapped(jets[..., 2] - jets[:, :1, 2])


@pytest.mark.parametrize("center", ["centroid", "hardest"])
def test_moving_a_jet_changes_nothing(jets, center):
    imaging = JetImaging(center=center)
    shifted = moved(jets, jets[..., 1] + 0.731, jets[..., 2] + 2.9)
    np.testing.assert_allclose(imaging.images(shifted), imaging.images(jets), atol=1e-6)


def test_the_axis_of_a_jet_turns_with_it_in_phi(jets):
    imaging = JetImaging(center="axis")
    shifted = moved(jets, jets[..., 1], jets[..., 2] + 2.9)
    np.testing.assert_allclose(imaging.images(shifted), imaging.images(jets), atol=1e-6)


@pytest.mark.parametrize("angle", [0.3, 1.0, np.pi / 2, 2.5, np.pi])
def test_turning_a_jet_changes_nothing(jets, angle):
    eta, phi = offsets(jets)
    turned = moved(jets, np.cos(angle) * eta - np.sin(angle) * phi, np.sin(angle) * eta + np.cos(angle) * phi)
    still = moved(jets, eta, phi)
    np.testing.assert_allclose(JetImaging().images(turned), JetImaging().images(still), atol=1e-6)
    plain = JetImaging(rotate=False, flip=False)
    assert not np.allclose(plain.images(turned), plain.images(still), atol=1e-3)


@pytest.mark.parametrize("sign", [(-1, 1), (1, -1), (-1, -1)])
def test_mirroring_a_jet_changes_nothing(jets, sign):
    eta, phi = offsets(jets)
    mirrored, still = moved(jets, sign[0] * eta, sign[1] * phi), moved(jets, eta, phi)
    for imaging in (JetImaging(), JetImaging(rotate=False)):
        np.testing.assert_allclose(imaging.images(mirrored), imaging.images(still), atol=1e-6)
    assert not np.allclose(JetImaging(flip=False).images(mirrored), JetImaging(flip=False).images(still), atol=1e-3)


@pytest.mark.parametrize("center", CENTERS)
def test_pt_is_conserved(jets, center):
    images = JetImaging(center=center, half_width=2.0, normalize=False).images(jets)
    np.testing.assert_allclose(images.sum(axis=(1, 2, 3)), jets[..., 0].sum(axis=1), rtol=1e-6)


def test_what_lies_outside_is_left_out(jets):
    pt, eta, phi = JetImaging().aligned(jets)
    inside = (np.abs(eta) < 0.2) & (np.abs(phi) < 0.2)
    images = JetImaging(half_width=0.2, normalize=False).images(jets)
    np.testing.assert_allclose(images.sum(axis=(1, 2, 3)), (pt * inside).sum(axis=1), rtol=1e-5)


def test_the_image_is_the_histogram_of_its_constituents(jets):
    imaging = JetImaging(normalize=False)
    pt, eta, phi = imaging.aligned(jets)
    edges = np.linspace(-0.8, 0.8, 41)
    for i in (0, 7, 99):
        expected, _, _ = np.histogram2d(phi[i], eta[i], (edges, edges), weights=pt[i])
        np.testing.assert_allclose(imaging.images(jets)[i, 0], expected, rtol=1e-6)


def test_normalised_images_sum_to_one(jets):
    np.testing.assert_allclose(JetImaging().images(jets).sum(axis=(1, 2, 3)), 1, rtol=1e-5)


def test_the_power_comes_last(jets):
    np.testing.assert_allclose(JetImaging(power=0.5).images(jets), JetImaging().images(jets) ** 0.5, rtol=1e-6)


def test_centre_principal_axis_and_quadrant_are_where_they_should_be(jets):
    pt, eta, phi = JetImaging().aligned(jets)
    several = (pt > 0).sum(axis=1) > 2
    np.testing.assert_allclose((pt * eta).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose((pt * phi).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose((pt * eta * phi).sum(axis=1), 0, atol=1e-9)
    assert ((pt * phi**2).sum(axis=1) >= (pt * eta**2).sum(axis=1))[several].all()
    corner = (pt * ((eta > 0) & (phi > 0))).sum(axis=1)
    for r in (eta > 0, eta < 0):
        for u in (phi > 0, phi < 0):
            assert (corner >= (pt * (r & u)).sum(axis=1) - 1e-9).all()


def test_the_axis_is_that_of_the_summed_momenta(jets):
    pt, _, phi = JetImaging(center="axis", rotate=False, flip=False).aligned(jets)
    # In the frame of its axis the momenta of a jet have no sum along φ.
    np.testing.assert_allclose((pt * np.sin(phi)).sum(axis=1), 0, atol=1e-9)


def test_a_jet_of_one_particle_is_one_pixel_and_a_broken_one_is_nan():
    one = np.zeros((3, 5, 3))
    one[:, 0] = [50.0, 1.0, 3.1]
    one[1, 1, 2] = np.inf
    one[2] = 0
    images = JetImaging().images(one)
    assert images[0].max() == 1
    assert (images[0] > 0).sum() == 1
    assert np.isnan(images[1]).all()
    assert (images[2] == 0).all()


def test_soft_constituents_can_be_left_out(jets):
    images = JetImaging(min_pt=20.0, normalize=False, half_width=2.0).images(jets)
    kept = np.where(jets[..., 0] > 20, jets[..., 0], 0).sum(axis=1)
    np.testing.assert_allclose(images.sum(axis=(1, 2, 3)), kept, rtol=1e-6)


def test_a_thousand_jets_take_less_than_a_second():
    many = np.tile(np.random.default_rng(0).normal(size=(1000, 100, 3)), (5, 1, 1))
    started = time.process_time()
    JetImaging().images(np.abs(many))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"n_pixels": 0}, "at least 1 pixel"),
        ({"half_width": 0.0}, "positive width"),
        ({"center": "middle"}, "allowed: centroid, axis, hardest"),
        ({"power": -1.0}, "positive power"),
        ({"min_pt": -1.0}, "0 or a positive"),
    ],
)
def test_impossible_settings_are_named(setting, said):
    with pytest.raises(UserError, match=said):
        JetImaging(**setting)
