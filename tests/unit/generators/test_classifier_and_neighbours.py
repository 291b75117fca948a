"""Classifier test, coverage and the search for copies: against what is known, and honest for one truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from tests.unit.generators.made_up_entries import entries

from hepad.generators import Population, classifier_test, coverage, memorisation
from hepad.generators.neighbours import NEIGHBOURS
from hepad.generators.population import TooFewEntries


def gaussians(n, seed, shift=0.0):
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return Population(x + np.array([shift, 0.0]), ["a", "b"], {})


@pytest.mark.parametrize("kind", ["trees", "mlp"])
def test_the_auc_is_that_of_the_likelihood_ratio(kind):
    found = classifier_test(gaussians(3000, 1), gaussians(3000, 2, 1.0), kind)
    best = stats.norm.cdf(1 / np.sqrt(2))
    assert best - 0.03 - 2 * found.auc_error < found.auc < best + 4 * found.auc_error
    grid = np.linspace(-9, 10, 20_001)
    p, q = stats.norm.pdf(grid), stats.norm.pdf(grid, 1)
    divergence = 1 + 0.5 * np.sum(p * np.log2(p / (p + q)) + q * np.log2(q / (p + q))) * (grid[1] - grid[0])
    assert divergence - 0.04 - 2 * found.jsd_error < found.jsd < divergence + 4 * found.jsd_error


@pytest.mark.parametrize("kind", ["trees", pytest.param("mlp", marks=pytest.mark.thorough)])
def test_real_against_real_is_a_half_within_its_error(kind):
    found = [classifier_test(entries(800, 2 * toy), entries(800, 2 * toy + 1), kind) for toy in range(3)]
    pulls = np.array([(f.auc - 0.5) / f.auc_error for f in found])
    assert np.abs(pulls).max() < 4
    assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls))


def test_probabilities_are_calibrated():
    found = classifier_test(gaussians(6000, 1), gaussians(6000, 2, 1.0))
    pooled = np.concatenate([found.real, found.generated])
    is_real = np.repeat([1.0, 0.0], len(found.real))
    for low, high in ((0.0, 0.35), (0.35, 0.65), (0.65, 1.0)):
        inside = (pooled >= low) & (pooled < high)
        assert is_real[inside].mean() == pytest.approx(pooled[inside].mean(), abs=0.1)


def test_a_common_factor_of_the_weights_changes_nothing():
    real, made = entries(900, 1, weighted=True), entries(900, 2, 0.5, weighted=True)
    one = classifier_test(real, made)
    scaled = Population(real.features, real.feature_names, {}, 8 * real.weights)
    assert classifier_test(scaled, made).auc == pytest.approx(one.auc, abs=1e-6)


def test_coverage_is_that_of_all_pairs():
    real, other = entries(300, 1), entries(300, 2, 0.4)
    scale = real.features.std(axis=0)
    x, y = real.features / scale, other.features / scale
    reach = [np.sort(cdist(z, z), axis=1)[:, NEIGHBOURS] for z in (x, y)]
    between = cdist(x, y)
    inside = between <= reach[0][:, None] * (1 + 1e-9)
    found = coverage(real, other)
    assert found.precision == pytest.approx(inside.any(axis=0).mean(), abs=0.01)
    assert found.recall == pytest.approx((between <= reach[1] * (1 + 1e-9)).any(axis=1).mean(), abs=0.01)
    assert found.density == pytest.approx(inside.sum() / NEIGHBOURS / 300, rel=0.02)
    assert found.coverage == pytest.approx(inside.any(axis=1).mean(), abs=0.01)


def test_coverage_of_one_truth_is_one_minus_two_to_the_minus_k():
    found = [coverage(gaussians(500, 2 * toy), gaussians(500, 2 * toy + 1)).coverage for toy in range(10)]
    assert np.mean(found) == pytest.approx(1 - 2.0**-NEIGHBOURS, abs=0.01)


def test_copies_are_found_and_new_entries_are_not():
    training, held_out, fresh = (entries(600, seed) for seed in (1, 2, 3))
    right = memorisation(training, held_out, fresh)
    assert abs(right.auc - 0.5) < 4 * right.auc_error
    # Two entries may be equal by chance nowhere but where a feature takes few values, and here one is continuous.
    assert right.copies == 0
    half = training.rows(np.arange(300))
    mixed = Population(np.concatenate([half.features, fresh.features[:300]]), half.feature_names, {})
    found = memorisation(training, held_out, mixed)
    assert found.copies == pytest.approx(0.5)
    assert found.auc > 0.6


def test_nearly_copied_entries_lie_too_near():
    training, held_out = gaussians(600, 1), gaussians(600, 2)
    near = Population(training.features + 0.001, training.feature_names, {})
    found = memorisation(training, held_out, near)
    assert found.copies == 0
    assert found.close > 0.5


def test_too_few_entries_are_refused():
    with pytest.raises(TooFewEntries, match="classifier test needs 500 entries on each side; there are 100"):
        classifier_test(entries(100, 1), entries(100, 2))
    with pytest.raises(TooFewEntries, match="coverage needs 200"):
        coverage(entries(100, 1), entries(100, 2))
    with pytest.raises(ValueError, match="no classifier 'forest'"):
        classifier_test(entries(500, 1), entries(500, 2), "forest")
