"""Functions that describe a smooth background: families of one shape with more and more parameters.

Each is the exponential of a sum, f(m) = exp(Σ_k p_k φ_k(x)) with x = m/√s, so that it is never negative, and a fit of
it is quick. p_0 is the logarithm of the normalisation in events per unit of x.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from hepad.core.errors import UserError
from hepad.stats.spectrum import FloatArray

SQRT_S: Final = 13000.0
"""Energy of the collisions in GeV."""


@dataclass(frozen=True)
class Family:
    """Functions of one shape, whose number of parameters is free within limits.

    Attributes:
        key: name by which it is chosen.
        formula: of the largest number of parameters, for people.
        terms: φ_0, φ_1, …, each a function of x; the first is 1.
        fewest: smallest number of parameters that is a shape.
        inside: true where x must be below 1.
        least: x below which the function says nothing of a spectrum, and units are wrong.

    >>> from hepad.stats import FAMILIES
    >>> FAMILIES["dijet"].fewest, FAMILIES["dijet"].most
    (3, 5)
    """

    key: str
    formula: str
    terms: tuple[Callable[[FloatArray], FloatArray], ...]
    fewest: int
    inside: bool = False
    least: float = 0.0

    @property
    def most(self) -> int:
        """Largest number of parameters."""
        return len(self.terms)

    def basis(self, mass: ArrayLike, n_parameters: int, sqrt_s: float = SQRT_S) -> FloatArray:
        """Return φ_k(m/√s) of the first parameters, `(…, K)` for masses `(…)`."""
        x = np.asarray(mass, dtype=np.float64) / sqrt_s
        return np.stack([term(x) for term in self.terms[:n_parameters]], axis=-1)

    def check(self, n_parameters: int, low: float, high: float, sqrt_s: float) -> None:
        """Check that the function has that many parameters, and is defined on a spectrum.

        Raises:
            UserError: it is not.
        """
        if not self.fewest <= n_parameters <= self.most:
            raise UserError(
                f"the function {self.key} has {self.fewest} to {self.most} parameters, not {n_parameters}: "
                f"{self.formula}"
            )
        if not (np.isfinite(sqrt_s) and sqrt_s > 0):
            raise UserError(f"√s must be an energy above 0, not {sqrt_s}")
        if not low > 0:
            raise UserError(f"the function {self.key} needs masses above 0, and the spectrum begins at {low:g}")
        if self.inside and high >= sqrt_s:
            raise UserError(f"masses up to {high:g} are not below √s = {sqrt_s:g} (TeV/GeV?)")
        if high < self.least * sqrt_s:
            raise UserError(f"masses up to {high:g} are next to nothing of √s = {sqrt_s:g} (TeV/GeV?)")


def _one(x: FloatArray) -> FloatArray:
    return np.ones_like(x)


def _minus_log(x: FloatArray) -> FloatArray:
    return -np.log(x)


def _minus_log_squared(x: FloatArray) -> FloatArray:
    return -np.square(np.log(x))


def _minus_log_cubed(x: FloatArray) -> FloatArray:
    return -(np.log(x) ** 3)


def _log_rest(x: FloatArray) -> FloatArray:
    return np.log1p(-x)


def _log_rest_of_root(x: FloatArray) -> FloatArray:
    return np.log1p(-np.cbrt(x))


def _linear(x: FloatArray) -> FloatArray:
    return x


def _minus_linear(x: FloatArray) -> FloatArray:
    return -x


def _square(x: FloatArray) -> FloatArray:
    return np.square(x)


def _minus_square(x: FloatArray) -> FloatArray:
    return -np.square(x)


def _cube(x: FloatArray) -> FloatArray:
    return x**3


def _fourth_power(x: FloatArray) -> FloatArray:
    return x**4


_LOGS: Final = (_minus_log, _minus_log_squared, _minus_log_cubed)
_ALL: Final = (
    Family("dijet", "p0 (1-x)^p1 x^-(p2 + p3 ln x + p4 ln² x)", (_one, _log_rest, *_LOGS), 3, True, 1e-3),
    Family(
        "modified_dijet", "p0 (1-x^⅓)^p1 x^-(p2 + p3 ln x + p4 ln² x)", (_one, _log_rest_of_root, *_LOGS), 3, True, 1e-3
    ),
    Family("power", "p0 x^-(p1 + p2 ln x + p3 ln² x)", (_one, *_LOGS), 2),
    Family("exponential", "p0 exp(-p1 x)", (_one, _minus_linear), 2),
    Family("power_exponential", "p0 x^-p1 exp(-p2 x - p3 x²)", (_one, _minus_log, _minus_linear, _minus_square), 3),
    Family(
        "polynomial_exponential",
        "p0 exp(p1 x + p2 x² + p3 x³ + p4 x⁴)",
        (_one, _linear, _square, _cube, _fourth_power),
        3,
    ),
)
FAMILIES: Final[dict[str, Family]] = {family.key: family for family in _ALL}
"""Functions by key. `dijet` and the alternatives are those of dijet searches at the LHC: CMS Collaboration, JHEP 05
(2020) 033 (arXiv:1911.03947), section 5, and ATLAS Collaboration, JHEP 03 (2020) 145 (arXiv:1910.08447)."""


def find_family(key: str) -> Family:
    """Return the family of functions of a key.

    Raises:
        UserError: there is none.

    >>> from hepad.stats import find_family
    >>> find_family("power").formula
    'p0 x^-(p1 + p2 ln x + p3 ln² x)'
    """
    if key not in FAMILIES:
        raise UserError(f"no function is called {key!r}: there are {', '.join(sorted(FAMILIES))}")
    return FAMILIES[key]
