"""Fréchet and kernel distances: against independent implementations, and 0 within errors for one truth."""

import numpy as np
import pytest
from scipy import linalg, optimize, stats
from tests.unit.generators.made_up_entries import entries

from hepad.generators import Population, extrapolated_frechet, frechet_distance, kernel_distance
from hepad.generators.blocks import block_of, feature_scale
from hepad.generators.population import TooFewEntries


def plain_frechet(x, y):
    """The distance of two samples as pytorch-fid and jetnet compute it."""
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.real(linalg.sqrtm(c1 @ c2))
    return np.square(x.mean(0) - y.mean(0)).sum() + np.trace(c1 + c2 - 2 * root)


def jetnet_fpd(x, y, low, high, n_batches=20, n_points=10):
    """FPD as jetnet 0.2.5 computes it: subsets drawn with replacement, a line in 1/N from 0 on."""
    scale = np.abs(x).max(axis=0)
    x, y = x / scale, y / scale
    sizes = (1 / np.linspace(1 / low, 1 / high, n_points)).astype(int)
    rng = np.random.default_rng(42)
    values = [
        np.mean([plain_frechet(x[rng.choice(len(x), n)], y[rng.choice(len(y), n)]) for _ in range(n_batches)])
        for n in sizes
    ]
    return optimize.curve_fit(lambda t, a, b: a + b * t, 1 / sizes, values, bounds=([0, 0], [np.inf, np.inf]))[0][0]


def test_frechet_distance_is_that_of_the_matrix_root():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, 5)), rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5)) + 1
    found = frechet_distance(x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False))
    assert float(found) == pytest.approx(plain_frechet(x, y))


def test_the_finite_distance_is_that_of_all_entries():
    a, b = entries(1000, 1), entries(1000, 2, 0.3)
    scale = feature_scale(a.features)
    assert extrapolated_frechet(a, b).finite == pytest.approx(plain_frechet(a.features / scale, b.features / scale))


def test_it_agrees_with_jetnets_to_two_parts_in_a_hundred():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (20_000, 3))
    y = rng.uniform(-1, 1, (20_000, 3)) * [0.5, 1, 1] + [0, 0.3, 0]
    a, b = (Population(v, ["a", "b", "c"], {}) for v in (x, y))
    assert extrapolated_frechet(a, b).value == pytest.approx(jetnet_fpd(x, y, 8000, 20_000, 4), rel=0.02)


def test_distances_of_one_truth_are_zero_within_errors_and_p_values_uniform():
    pairs = [(entries(500, 2 * toy), entries(500, 2 * toy + 1)) for toy in range(40)]
    for distance in (extrapolated_frechet, kernel_distance):
        found = [distance(*pair) for pair in pairs]
        values, errors = (np.array([getattr(f, name) for f in found]) for name in ("value", "error"))
        assert abs(values.mean()) < 3.5 * values.std() / np.sqrt(len(values))
        # A jackknife takes the fluctuations of a distance of 0 for larger than they are, never for much smaller.
        assert 0.7 < errors.mean() / values.std() < 2.5
        assert stats.kstest([f.p_value for f in found], "uniform").pvalue > 1e-3


def test_the_bias_of_a_finite_sample_is_taken_away():
    truth = 0.25 / 9
    finite, value = np.mean(
        [
            (found.finite, found.value)
            for toy in range(20)
            for x in [np.random.default_rng(toy).uniform(-1, 1, (2, 600, 8))]
            for found in [
                extrapolated_frechet(
                    *(Population(v, list("abcdefgh"), {}) for v in (x[0], x[1] + [0.5 / 3, 0, 0, 0, 0, 0, 0, 0])),
                    scale=np.ones(8),
                )
            ]
        ],
        axis=0,
    )
    assert abs(value - truth) < 0.3 * (finite - truth)


@pytest.mark.parametrize("weighted", [False, True])
def test_kernel_distance_is_that_over_all_pairs(weighted):
    a, b = entries(350, 1, weighted=weighted), entries(350, 2, 0.5, weighted=weighted)
    scale = feature_scale(a.features)
    x, y = a.features / scale, b.features / scale
    means = []
    for u, v, wu, wv in ((x, x, a.weights, a.weights), (y, y, b.weights, b.weights), (x, y, a.weights, b.weights)):
        kernel = (u @ v.T / 4 + 1) ** 4
        pairs = np.outer(wu, wv)
        if u is v:
            np.fill_diagonal(pairs, 0)
        means.append((kernel * pairs).sum() / pairs.sum())
    assert kernel_distance(a, b).value == pytest.approx(means[0] + means[1] - 2 * means[2])


@pytest.mark.parametrize("distance", [extrapolated_frechet, kernel_distance])
def test_a_shift_is_found_whatever_the_weights(distance):
    assert distance(entries(1000, 1, weighted=True), entries(1000, 2, 1.0, weighted=True)).p_value < 0.01


@pytest.mark.parametrize("distance", [extrapolated_frechet, kernel_distance])
def test_a_feature_that_is_always_zero_costs_nothing(distance):
    x, y = np.random.default_rng(0).normal(size=(2, 500, 2))
    x[:, 1] = y[:, 1] = 0
    assert np.isfinite(distance(Population(x, ["a", "b"], {}), Population(y, ["a", "b"], {})).value)


def test_too_few_entries_are_refused_with_how_many_are_needed():
    with pytest.raises(TooFewEntries, match="Fréchet distance needs 400 entries on each side; there are 300"):
        extrapolated_frechet(entries(300, 1), entries(500, 2))
    with pytest.raises(TooFewEntries, match="kernel distance needs 200"):
        kernel_distance(entries(100, 1), entries(100, 2))


def test_blocks_are_equal_and_the_same_every_time():
    found = block_of(1003)
    assert np.array_equal(found, block_of(1003))
    assert set(np.bincount(found)) == {50, 51}
