"""Expected counts of a background function in bins: its integrals, and how they change with the parameters.

Parameters inside a fit are not those of the formula, which are nearly proportional to each other over a spectrum, but
of an orthonormal basis of the same functions: of the order of 1, with little correlation.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from hepad.stats.functions import SQRT_S, Family, find_family
from hepad.stats.spectrum import BoolArray, FloatArray, Spectrum, checked_edges

_NODES = 6  # Gauss-Legendre points of a bin: exact to 1e-9 for bins of a tenth of the mass.
_LARGEST = 50.0  # Of a logarithm; beyond, a function is no description of counts.


@dataclass(frozen=True)
class Shape:
    """A background function on bins.

    Attributes:
        family: of the function.
        n_parameters: K.
        sqrt_s: √s in the unit of the edges.
        edges: `(B + 1,)`.
        basis: `(B, Q, K)` orthonormal functions at Q points of each bin.
        weights: `(B, Q)` of these points in the integral over a bin, in units of x.
        to_formula: `(K, K)`; the formula's parameters are this times those inside.

    >>> from hepad.stats.shapes import make_shape
    >>> shape = make_shape([2600, 3000, 3500, 4100], "dijet", 3)
    >>> shape.basis.shape, shape.expected(shape.from_formula([0.0, 10.0, 6.0])).round(1)
    ((3, 6, 3), array([29.2,  9.7,  2.6]))
    """

    family: Family
    n_parameters: int
    sqrt_s: float
    edges: FloatArray
    basis: FloatArray
    weights: FloatArray
    to_formula: FloatArray

    def from_formula(self, parameters: ArrayLike) -> FloatArray:
        """Return the parameters inside for those of the formula, `(K,)`."""
        return np.asarray(np.linalg.solve(self.to_formula, np.asarray(parameters, dtype=np.float64)))

    def at_points(self, theta: FloatArray) -> FloatArray:
        """Return the function times weights at the points of all bins, `(…, B, Q)` for parameters inside `(…, K)`."""
        n_bins, n_points, n_parameters = self.basis.shape
        logs = theta @ self.basis.reshape(-1, n_parameters).T
        return np.exp(np.clip(logs, -_LARGEST, _LARGEST)).reshape(*theta.shape[:-1], n_bins, n_points) * self.weights

    def expected(self, theta: FloatArray) -> FloatArray:
        """Return the expected counts, `(…, B)` for parameters inside `(…, K)`."""
        return np.asarray(self.at_points(theta).sum(axis=-1))

    def expected_and_slopes(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the expected counts `(…, B)`, and their derivatives by the parameters inside `(…, B, K)`."""
        values = self.at_points(theta)
        slopes = np.matmul(values[..., None, :], self.basis)[..., 0, :]
        return values.sum(axis=-1), slopes


def make_shape(edges: ArrayLike, family: str, n_parameters: int, sqrt_s: float = SQRT_S) -> Shape:
    """Return a background function on bins.

    Args:
        edges: `(B + 1,)`.
        family: key of a family of functions.
        n_parameters: K.
        sqrt_s: in the unit of the edges.

    Raises:
        UserError: no such function, or not defined on these bins.
    """
    found = checked_edges(edges)
    return _make_shape(tuple(found.tolist()), family, int(n_parameters), float(sqrt_s))


@lru_cache(maxsize=64)
def _make_shape(edge_values: tuple[float, ...], key: str, n_parameters: int, sqrt_s: float) -> Shape:
    family, edges = find_family(key), np.array(edge_values)
    family.check(n_parameters, edges[0], edges[-1], sqrt_s)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    points = edges[:-1, None] + half * (1 + nodes)
    plain = family.basis(points, n_parameters, sqrt_s)
    # Orthonormal over the points, which are dense where bins are narrow; the first function stays the constant.
    flat = plain.reshape(-1, n_parameters)
    _, triangle = np.linalg.qr(flat)
    to_formula = np.linalg.inv(triangle) * np.sqrt(len(flat))
    return Shape(family, n_parameters, sqrt_s, edges, plain @ to_formula, half * weights / sqrt_s, to_formula)


def start_parameters(shape: Shape, counts: FloatArray, fitted: BoolArray) -> FloatArray:
    """Return parameters inside from which a fit begins: weighted least squares of ln(counts + ½).

    Args:
        shape: the function.
        counts: `(…, B)` of spectra.
        fitted: `(B,)`, true for bins that are fitted.

    Returns:
        `(…, K)`.
    """
    target = np.log((counts[..., fitted] + 0.5) / shape.weights[fitted].sum(axis=-1))
    weight = counts[..., fitted] + 0.5
    middle = shape.basis[fitted].mean(axis=1)
    normal = np.einsum("...b,bk,bl->...kl", weight, middle, middle)
    normal += 1e-6 * np.trace(normal, axis1=-2, axis2=-1)[..., None, None] * np.eye(shape.n_parameters)
    right = np.einsum("...b,...b,bk->...k", weight, target, middle)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])


def shape_of(spectrum: Spectrum, family: str, n_parameters: int, sqrt_s: float = SQRT_S) -> Shape:
    """Return a background function on the bins of a spectrum (`make_shape`)."""
    return make_shape(spectrum.edges, family, n_parameters, sqrt_s)
