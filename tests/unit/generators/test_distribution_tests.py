"""Separation power, the χ² test of shapes, and Wasserstein distances: against others, honest under repeated toys."""

import sys

import numpy as np
import pytest
from scipy import stats
from tests.unit.generators.made_up_entries import entries

from hepad.generators import Observable, Population, separation_power, wasserstein
from hepad.generators.distributions import bin_counts, compare_shapes, histogram, shown_edges
from hepad.generators.population import TooFewEntries


def p_values(make, n_toys=120):
    found = []
    for toy in range(n_toys):
        pair = make(2 * toy), make(2 * toy + 1)
        named = pair[0].observables.items()
        named = pair[0].observables.items()
        found.append([compare_shapes(name, *pair, shown_edges(o.values)[0]).p_value for name, o in named])
    return np.array(found).T


@pytest.mark.parametrize("weighted", [False, True])
def test_p_values_of_real_against_real_are_uniform(weighted):
    for values in p_values(lambda seed: entries(600, seed, weighted=weighted)):
        assert stats.kstest(values, "uniform").pvalue > 1e-3


def test_p_values_are_uniform_where_values_of_an_entry_depend_on_each_other():
    def sets(seed):
        rng = np.random.default_rng(seed)
        entry = np.repeat(np.arange(400), 1 + rng.poisson(4, 400))
        values = rng.normal(size=400)[entry] + 0.2 * rng.normal(size=len(entry))
        return Population(np.zeros((400, 1)), ["none"], {"value": Observable(values, entry)})

    (values,) = p_values(sets)
    assert stats.kstest(values, "uniform").pvalue > 1e-3


def test_without_weights_it_is_the_chi2_of_a_table():
    rng = np.random.default_rng(1)
    x, y = rng.poisson(2, (2, 3000)).clip(max=5).astype(float)
    pair = [Population(v[:, None], ["n"], {"n": Observable(v)}) for v in (x, y)]
    found = compare_shapes("n", *pair, np.arange(-0.5, 6.5))
    table = [np.bincount(v.astype(int), minlength=6) for v in (x, y)]
    expected = stats.chi2_contingency(table, correction=False)
    assert found.ndf == expected.dof
    assert found.chi2 == pytest.approx(expected.statistic, rel=0.01)


def test_a_shift_is_found_and_its_separation_is_that_of_the_truth():
    found = compare_shapes("gauss", entries(20_000, 1), entries(20_000, 2, 1.0), np.linspace(-5, 6, 111))
    x = np.linspace(-9, 10, 20_001)
    h, g = stats.norm.pdf(x), stats.norm.pdf(x, 1)
    assert found.separation == pytest.approx(0.5 * np.sum((h - g) ** 2 / (h + g)) * (x[1] - x[0]), rel=0.05)
    assert found.p_value < 1e-100


def test_separation_of_two_samples_of_one_truth_is_what_counts_make_of_it():
    edges = np.linspace(-2, 2, 21)
    found = [compare_shapes("gauss", entries(2000, s), entries(2000, s + 500), edges).separation for s in range(60)]
    assert np.mean(found) == pytest.approx((22 - 1) * (1 / 2000 + 1 / 2000) / 4, rel=0.1)


def test_separation_lies_between_equal_and_apart():
    rng = np.random.default_rng(0)
    h, g = rng.random((2, 30))
    assert separation_power(h, h) == 0
    assert separation_power(h, 3 * g) == pytest.approx(separation_power(g, h))
    assert 0 < separation_power(h, g) < 1
    with pytest.raises(ValueError, match="without entries"):
        separation_power(h, np.zeros(30))


def test_shares_and_their_errors_are_those_of_repeated_samples():
    edges = np.linspace(-2, 2, 9)
    made = [entries(500, seed, weighted=True) for seed in range(200)]
    found = [histogram(e.observables["gauss"], e.weights, edges) for e in made]
    shares, errors = (np.array([getattr(f, name) for f in found]) for name in ("shares", "errors"))
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(shares.std(axis=0), errors.mean(axis=0), rtol=0.25)


def test_bins_hold_whole_numbers_and_long_tails():
    assert shown_edges(np.array([0.0, 1, 2] * 100))[0].tolist() == [-0.5, 0.5, 1.5, 2.5]
    edges, log = shown_edges(np.random.default_rng(0).lognormal(0, 3, 5000))
    assert log
    assert (edges > 0).all()
    assert len(shown_edges(np.full(10, 3.3))[0]) > 2
    counts = bin_counts(Observable(np.array([-9.0, 0.5, 9.0])), 3, np.array([0.0, 1.0]))
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_too_few_entries_are_refused():
    with pytest.raises(TooFewEntries, match="need 100 entries on each side; there are 99"):
        compare_shapes("gauss", entries(99, 1), entries(500, 2), np.linspace(-2, 2, 9))


@pytest.mark.parametrize("weighted", [False, True])
def test_wasserstein_is_that_of_scipy(weighted):
    a, b = (entries(700, seed, weighted=weighted) for seed in (1, 2))
    for name in a.observables:
        found = wasserstein(a.observables[name], b.observables[name], a.weights, b.weights, bootstraps=2)
        x, y = (e.observables[name].values for e in (a, b))
        assert found.value == pytest.approx(stats.wasserstein_distance(x, y, a.weights, b.weights))


def test_its_error_is_the_spread_of_repeated_samples():
    found = [
        wasserstein(*(e.observables["gauss"] for e in pair), *(e.weights for e in pair), bootstraps=20, seed=toy)
        for toy in range(60)
        for pair in [(entries(400, 2 * toy), entries(400, 2 * toy + 1, 0.5))]
    ]
    assert np.mean([f.error for f in found]) == pytest.approx(np.std([f.value for f in found]), rel=0.25)


def test_of_many_values_the_distance_is_that_of_all_and_the_error_that_of_fewer_scaled(monkeypatch):
    rng = np.random.default_rng(0)
    entry, ones = np.repeat(np.arange(300), 4), np.ones(300)
    parts = [Observable(rng.normal(shift, 1, 300)[entry] + rng.normal(size=1200), entry) for shift in (0, 0.5)]
    whole = wasserstein(*parts, ones, ones)
    monkeypatch.setattr(sys.modules["hepad.generators.wasserstein"], "_MOST", 500)
    found = wasserstein(*parts, ones, ones)
    assert found.value == whole.value == pytest.approx(stats.wasserstein_distance(*(part.values for part in parts)))
    assert found.error != whole.error
    assert found.error == pytest.approx(whole.error, rel=0.4)
