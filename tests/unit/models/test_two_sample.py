"""Distances between samples: against SciPy and scikit-learn, and for samples whose answer is known."""

import math

import pytest
import torch
from scipy.stats import energy_distance as scipy_energy_distance
from sklearn.neighbors import NearestNeighbors

from hepad.models.two_sample import coverage, distances, energy_distance, pairwise_ratio


def samples(n=400, m=300, width=6, shift=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(n, width, generator=generator, dtype=torch.float64)
    return real, torch.randn(m, width, generator=generator, dtype=torch.float64) + shift


def test_energy_distance_in_one_dimension_is_that_of_scipy():
    real, generated = samples(width=1, shift=0.7)
    found = energy_distance(distances(real, generated)).item()
    assert found == pytest.approx(scipy_energy_distance(real[:, 0], generated[:, 0]) ** 2)


def test_energy_distance_is_zero_for_a_sample_and_itself_and_grows_with_a_shift():
    real, _ = samples()
    assert energy_distance(distances(real, real.flip(0))).item() == pytest.approx(0, abs=1e-12)
    found = [energy_distance(distances(*samples(shift=shift))).item() for shift in (0.0, 0.5, 1.0)]
    assert 0 < found[0] < found[1] < found[2]


def test_pairwise_ratio_sees_a_shrunken_and_a_collapsed_sample():
    real, other = samples()
    assert pairwise_ratio(distances(real, other)).item() == pytest.approx(1, abs=0.05)
    assert pairwise_ratio(distances(real, 0.25 * real)).item() == pytest.approx(0.25)
    assert pairwise_ratio(distances(real, real[:1].expand(50, -1))).item() == 0


def test_coverage_is_that_of_its_definition():
    real, generated = samples(shift=0.8)
    radius = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1).fit(generated).kneighbors(real)[0][:, 0]
    assert coverage(distances(real, generated)).item() == pytest.approx((nearest <= radius).mean())


def test_coverage_of_the_same_distribution_is_what_is_promised():
    n, k = 1000, 5
    wanted = 1 - math.prod(n - i for i in range(1, k + 1)) / math.prod(2 * n - i for i in range(1, k + 1))
    assert coverage(distances(*samples(n, n)), k).item() == pytest.approx(wanted, abs=0.02)


def test_coverage_of_a_generator_that_knows_one_of_two_modes_is_a_half():
    real, generated = samples(400, 400)
    real[200:] += 50
    assert coverage(distances(real, generated)).item() == pytest.approx(0.5, abs=0.03)


def test_entries_that_are_all_the_same_are_covered_by_themselves():
    same = torch.full((8, 3), 0.1)
    assert coverage(distances(same, same)).item() == 1
    assert coverage(distances(same, same + 1)).item() == 0
