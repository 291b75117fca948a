"""Correlations, against SciPy and against the definition; undefined ones are None."""

import numpy as np
import pytest
from scipy import stats

from hepad.metrics import distance_correlation, pearson, spearman


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    return x, np.exp(3 * x) + rng.normal(size=500), np.round(x + rng.normal(size=500))


def test_pearson_and_spearman_are_scipys(columns):
    x, skewed, tied = columns
    for a, b in ((x, skewed), (x, tied), (skewed, tied)):
        assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_is_blind_to_a_rising_transformation(columns):
    x, _, tied = columns
    assert spearman(np.exp(5 * x), tied) == pytest.approx(spearman(x, tied), abs=1e-12)


def plain_distance_correlation(x, y):
    """Székely, Rizzo and Bakirov's definition (2.8)-(2.10), written out."""
    a, b = np.abs(x[:, None] - x[None, :]), np.abs(y[:, None] - y[None, :])
    a = a - a.mean(0)[None, :] - a.mean(1)[:, None] + a.mean()
    b = b - b.mean(0)[None, :] - b.mean(1)[:, None] + b.mean()
    return np.sqrt((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean()))


def test_distance_correlation_is_the_paper_s(columns):
    x, skewed, tied = columns
    for a, b in ((x, skewed), (x, tied)):
        assert distance_correlation(a, b) == pytest.approx(plain_distance_correlation(a, b), abs=1e-12)


def test_distance_correlation_sees_what_the_others_do_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 1500)
    assert abs(pearson(x, x**2)) < 0.1
    assert distance_correlation(x, x**2) > 0.4
    assert distance_correlation(x, rng.permutation(x)) < 0.1


def test_distance_correlation_of_a_line_is_one():
    x = np.linspace(0, 1, 100)
    assert distance_correlation(x, 7 - 3 * x) == pytest.approx(1.0)


@pytest.mark.parametrize("n_entries", [3, 4, 5, 8, 9, 1000, 2047])
def test_sorting_finds_what_all_pairs_give(n_entries):
    rng = np.random.default_rng(n_entries)
    x = rng.normal(size=n_entries)
    for a, b in ((x, rng.permutation(x)), (x, x**2), (np.round(x, 1), np.round(x + rng.normal(size=n_entries)))):
        assert distance_correlation(a, b) == pytest.approx(plain_distance_correlation(a, b), abs=1e-10)


@pytest.mark.parametrize("rest", [1e-3, 1e-9, 1e-17, 1e-200])
def test_all_weight_on_one_entry_leaves_a_number_or_none(rest):
    x, weight = np.arange(5.0), np.array([rest, rest, 1.0, rest, rest])
    found = distance_correlation(x, x**2, weight)
    assert found is None or 0 <= found <= 1
    assert rest < 1e-3 or found == pytest.approx(1, abs=0.2)


def test_distance_correlation_uses_every_entry_and_knows_its_value_for_normal_columns():
    rng = np.random.default_rng(1)
    r = 0.5
    x, noise = rng.normal(size=(2, 100_000))
    # Theorem 7 of the paper.
    above = r * np.arcsin(r) + np.sqrt(1 - r**2) - r * np.arcsin(r / 2) - np.sqrt(4 - r**2) + 1
    expected = np.sqrt(above / (1 + np.pi / 3 - np.sqrt(3)))
    assert distance_correlation(x, r * x + np.sqrt(1 - r**2) * noise) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("function", [pearson, spearman, distance_correlation])
def test_undefined_is_none_never_nan(function):
    x = np.arange(10.0)
    assert function(x, np.full(10, 3.0)) is None
    assert function(np.zeros(10), x) is None
    assert function(x, np.where(x == 4, np.nan, x)) is None
    assert function(x, np.where(x == 4, np.inf, x)) is None
    assert function(x[:2], x[:2]) is None


@pytest.mark.parametrize("function", [pearson, spearman, distance_correlation])
@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1.0, 1e9, 1e200])
def test_scale_does_not_matter(function, scale, columns):
    x, _, tied = columns
    assert function(scale * x, tied) == pytest.approx(function(x, tied), abs=1e-9)


@pytest.mark.parametrize("function", [pearson, spearman])
def test_perfect_correlation_is_exactly_within_bounds(function):
    x = np.random.default_rng(0).normal(size=1000)
    assert function(x, 2 * x + 1) == pytest.approx(1.0)
    assert -1 <= function(x, -x) <= function(x, x) <= 1


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="3 and 2 entries"):
        pearson([1, 2, 3], [1, 2])
