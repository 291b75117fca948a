"""Observables of sets, images and showers: on entries whose numbers are known by hand."""

import numpy as np
import pytest
from scipy import stats

from hepad.generators import Observable, Population, image_population, response, set_population, shower_population
from hepad.generators.correlations import correlation_difference, rank_correlations
from hepad.generators.population import joined_features
from hepad.generators.profiles import compare_profiles, energy_edges


def showers(n, seed, slope=1.0):
    """Return showers of 6 × 5 × 5 cells whose response is `slope` times 0.9 with a spread of 5%."""
    rng = np.random.default_rng(seed)
    incident = rng.uniform(10, 100, n)
    shape = np.outer(np.arange(1, 7) * np.exp(-np.arange(6) / 2), np.exp(-np.hypot(*np.indices((5, 5)) - 2).ravel()))
    cells = rng.poisson(30 * shape / shape.max(), (n, 6, 25)).astype(float)
    total = cells.sum(axis=(1, 2))
    cells *= (0.9 * slope * incident * rng.normal(1, 0.05, n) / total)[:, None, None]
    return shower_population(cells.reshape(n, 1, 6, 5, 5), incident)


def test_a_shower_by_hand():
    cells = np.zeros((2, 1, 3, 3, 3))
    cells[0, 0, :, 1, 1] = [1, 2, 1]
    cells[0, 0, 1, 1, 2] = 4
    found = shower_population(cells, np.array([16.0, 5.0]))
    values = {name: observable.values for name, observable in found.observables.items()}
    assert values["total"].tolist() == [8, 0]
    assert values["response"].tolist() == [0.5, 0]
    assert values["largest"].tolist() == [4, 0]
    assert values["occupancy"].tolist() == pytest.approx([4 / 27, 0])
    assert values["sparsity"].tolist() == pytest.approx([23 / 27, 1])
    assert values["centre_z"].tolist() == [1, 0]
    assert values["centre_x"].tolist() == [1.5, 0]
    assert values["width_z"][0] == pytest.approx(0.5)
    assert values["mean_radius"].tolist() == [0.5, 0]
    assert found.profiles["layer"].tolist() == [[1, 6, 1], [0, 0, 0]]
    assert found.profiles["radius"].tolist() == [[4, 4], [0, 0]]
    assert sorted(found.observables["cell"].values) == [1, 1, 2, 4]
    assert found.n_empty == 1


def test_what_a_network_leaves_in_empty_cells_is_no_energy():
    cells = np.full((1, 1, 2, 2, 2), 1e-9)
    cells[0, 0, 0, 0, 0] = 1.0
    assert shower_population(cells).observables["occupancy"].values.tolist() == [1 / 8]


def test_every_shower_stands_for_itself():
    both = showers(40, 1)
    assert np.array_equal(both.rows(np.arange(20, 40)).features, both.features[20:])
    assert np.array_equal(joined_features([both.first(7), both.rows(np.arange(7, 40))]).features, both.features)


def test_response_and_resolution_are_those_that_showers_were_made_with():
    found = showers(8000, 2)
    seen = response(found.observables["total"].values, found.incident, energy_edges(found.incident), found.weights)
    assert np.abs((seen.response - 0.9) / seen.response_error).max() < 4
    assert np.abs((seen.resolution - 0.05) / seen.resolution_error).max() < 4
    few = response(np.ones(5), np.ones(5), np.array([0.0, 2.0]), np.ones(5))
    assert not len(few.energy)


def test_profiles_of_one_truth_agree_and_others_do_not():
    p_values = [compare_profiles("layer", showers(150, 2 * i), showers(150, 2 * i + 1)).p_value for i in range(60)]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
    assert compare_profiles("layer", showers(500, 1), showers(500, 2, 1.2)).p_value < 1e-6


def test_an_image_by_hand():
    image = np.zeros((1, 2, 4, 3))
    image[0, 0, 1, 0] = 3
    image[0, 1, 3, 2] = 1
    values = {name: observable.values.tolist() for name, observable in image_population(image).observables.items()}
    assert values["pixel_sum"] == [4]
    assert values["centre_row"] == [1.5]
    assert values["centre_column"] == [0.5]
    assert values["occupancy"] == [2 / 12]
    assert sorted(values["pixel"]) == [1, 3]


def particles(n, seed):
    rng = np.random.default_rng(seed)
    x = np.stack([rng.exponential(20, (n, 6)), *rng.normal(0, 0.3, (2, n, 6))], axis=-1)
    return x, rng.random((n, 6)) < 0.7


def test_the_order_of_slots_and_what_empty_ones_hold_changes_nothing():
    names = ["pt", "delta_eta", "delta_phi"]
    x, mask = particles(50, 1)
    found = set_population(x, names, mask)
    turned = np.random.default_rng(2).permutation(6)
    other = set_population(np.where(mask[..., None], x, 7.0)[:, turned], names, mask[:, turned])
    assert np.allclose(found.features, other.features)
    assert np.allclose(np.sort(found.observables["pt"].values), np.sort(x[..., 0][mask]))


def test_the_mass_of_a_jet_is_that_of_its_particles_four_vector():
    names = ["pt", "delta_eta", "delta_phi"]
    x, mask = particles(20, 3)
    found = set_population(x, names, mask).observables["jet_mass"].values
    for i in range(20):
        pt, eta, phi = x[i][mask[i]].T
        four = np.array([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]).sum(axis=1)
        assert found[i] ** 2 == pytest.approx(max(four[0] ** 2 - np.square(four[1:]).sum(), 0), abs=1e-6)
    logs = np.concatenate([np.log(x[..., :1]), x[..., 1:]], axis=-1)
    logged = set_population(logs, ["log_pt", *names[1:]], mask)
    assert np.allclose(logged.observables["jet_mass"].values, found)


def test_rows_of_values_belong_to_their_entries():
    values = Observable(np.arange(6.0), np.array([0, 0, 1, 3, 3, 3]))
    taken = values.rows(np.array([3, 2, 0]))
    assert taken.values.tolist() == [3, 4, 5, 0, 1]
    assert taken.entry.tolist() == [0, 0, 0, 2, 2]


def test_rank_correlations_are_spearmans():
    x = np.random.default_rng(0).poisson(3, (200, 3)) @ np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert np.allclose(rank_correlations(x.astype(float)), stats.spearmanr(x).statistic)
    repeated = np.repeat(x, 1 + np.arange(200) % 3, axis=0).astype(float)
    assert np.allclose(rank_correlations(x.astype(float), 1.0 + np.arange(200) % 3), rank_correlations(repeated))


def test_correlations_of_one_truth_differ_as_statistics_say():
    x = np.random.default_rng(1).normal(size=(40, 2, 800, 5))
    found = [correlation_difference(*(Population(v, list("abcde"), {}) for v in pair)) for pair in x]
    assert np.sqrt(np.mean([f.rms**2 for f in found])) == pytest.approx(found[0].expected_rms, rel=0.1)


@pytest.mark.parametrize(
    ("features", "weight", "said"),
    [
        (np.array([[1.0], [np.nan]]), None, "1 entries hold NaN or inf"),
        (np.ones((2, 2)), None, "do not fit 1 names"),
        (np.ones((2, 1)), np.array([1.0, -1.0]), "negative"),
    ],
)
def test_entries_that_are_none_are_refused(features, weight, said):
    with pytest.raises(ValueError, match=said):
        Population(features, ["a"], {}, weight)
