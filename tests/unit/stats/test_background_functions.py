"""Background functions: their formulas, their integrals over bins, what they refuse."""

import numpy as np
import pytest
from scipy.integrate import quad

from hepad.core.errors import UserError
from hepad.stats import FAMILIES, find_family, growing_bins
from hepad.stats.shapes import make_shape

EDGES = growing_bins(2600, 6000, 0.1)

# Each as it is written in papers, of x and of ln p0, p1, ….
FORMULAS = {
    "dijet": lambda x, p0, p1, p2, p3, p4: (
        np.exp(p0) * (1 - x) ** p1 / x ** (p2 + p3 * np.log(x) + p4 * np.log(x) ** 2)
    ),
    "modified_dijet": lambda x, p0, p1, p2, p3, p4: (
        np.exp(p0) * (1 - x ** (1 / 3)) ** p1 / x ** (p2 + p3 * np.log(x) + p4 * np.log(x) ** 2)
    ),
    "power": lambda x, p0, p1, p2, p3: np.exp(p0) * x ** -(p1 + p2 * np.log(x) + p3 * np.log(x) ** 2),
    "exponential": lambda x, p0, p1: np.exp(p0 - p1 * x),
    "power_exponential": lambda x, p0, p1, p2, p3: np.exp(p0) * x**-p1 * np.exp(-p2 * x - p3 * x**2),
    "polynomial_exponential": lambda x, p0, *p: np.exp(p0 + sum(p[k] * x ** (k + 1) for k in range(4))),
}
PARAMETERS = {
    "dijet": [0.5, 10.0, 6.0, 0.3, 0.02],
    "modified_dijet": [2.0, 9.0, 4.0, 0.3, 0.02],
    "power": [-2.0, 8.0, 0.5, 0.1],
    "exponential": [18.0, 38.0],
    "power_exponential": [5.0, 3.0, 20.0, 5.0],
    "polynomial_exponential": [20.0, -45.0, 10.0, 5.0, -3.0],
}


def test_every_family_is_tested():
    assert set(FORMULAS) == set(PARAMETERS) == set(FAMILIES)


@pytest.mark.parametrize("key", FORMULAS)
def test_expected_counts_are_integrals_of_the_formula(key):
    parameters = PARAMETERS[key]
    shape = make_shape(EDGES, key, len(parameters))
    brute = [
        quad(FORMULAS[key], low, high, args=tuple(parameters))[0]
        for low, high in zip(EDGES[:-1] / 13000, EDGES[1:] / 13000, strict=True)
    ]
    assert shape.expected(shape.from_formula(parameters)) == pytest.approx(brute, rel=1e-7)


@pytest.mark.parametrize("key", FORMULAS)
def test_slopes_are_derivatives(key):
    shape = make_shape(EDGES, key, FAMILIES[key].most)
    theta = shape.from_formula(PARAMETERS[key])
    slopes = shape.expected_and_slopes(theta)[1]
    for k in range(theta.size):
        step = np.zeros(theta.size)
        step[k] = 1e-5
        finite = (shape.expected(theta + step) - shape.expected(theta - step)) / 2e-5
        assert slopes[:, k] == pytest.approx(finite, rel=1e-6, abs=1e-6 * np.abs(slopes).max())


def test_many_parameters_at_once_are_the_same_as_one_by_one():
    shape = make_shape(EDGES, "dijet", 3)
    thetas = np.random.default_rng(0).normal(size=(5, 3)) + shape.from_formula([0.0, 9.0, 7.0])
    assert shape.expected(thetas) == pytest.approx(np.stack([shape.expected(theta) for theta in thetas]))


def test_the_unit_of_the_mass_does_not_matter():
    in_gev, in_tev = make_shape(EDGES, "dijet", 3), make_shape(EDGES / 1000, "dijet", 3, sqrt_s=13.0)
    parameters = [0.0, 9.0, 7.0]
    expected = in_gev.expected(in_gev.from_formula(parameters))
    assert in_tev.expected(in_tev.from_formula(parameters)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("key", "n_parameters", "edges", "sqrt_s", "message"),
    [
        ("spline", 3, EDGES, 13000, "no function is called 'spline': there are dijet, exponential"),
        ("dijet", 2, EDGES, 13000, "has 3 to 5 parameters, not 2"),
        ("exponential", 3, EDGES, 13000, "has 2 to 2 parameters, not 3"),
        ("dijet", 3, EDGES, 13.0, r"not below √s = 13 \(TeV/GeV\?\)"),
        ("dijet", 3, EDGES / 1000, 13000, r"next to nothing of √s = 13000 \(TeV/GeV\?\)"),
        ("dijet", 3, EDGES, float("nan"), "√s must be"),
        ("power", 2, [-1, 1, 2], 13000, "needs masses above 0"),
    ],
)
def test_functions_that_are_not_defined_are_refused(key, n_parameters, edges, sqrt_s, message):
    with pytest.raises(UserError, match=message):
        make_shape(edges, key, n_parameters, sqrt_s)


def test_a_family_is_found_by_its_key():
    assert find_family("dijet") is FAMILIES["dijet"]
