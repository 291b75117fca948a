"""Shapes of showers from the literature: how deep, how wide, and what falls into the cells of a grid.

Electromagnetic showers follow Grindhammer and Peters (arXiv:hep-ex/0001020, homogeneous media), as GFlash does.
Energies are in GeV, depths in radiation lengths, radii in Molière radii.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import gammainc

from hepad.simulation.records import Array

Z: Final = 74.0
"""Nuclear charge of tungsten."""
CRITICAL_ENERGY: Final = 7.97e-3
"""Critical energy of electrons in tungsten (GeV)."""
RADIATION_LENGTH: Final = 0.350
"""Of tungsten (cm)."""
INTERACTION_LENGTH: Final = 9.95 / RADIATION_LENGTH
"""Nuclear interaction length of tungsten, in radiation lengths."""


class Profile(NamedTuple):
    """Longitudinal profiles dE/dt ∝ (βt)^(α−1) e^(−βt) of N showers: α and β (1/X₀), each (N,)."""

    alpha: Array
    beta: Array

    @property
    def maximum(self) -> Array:
        """Depth of the maximum, T = (α − 1)/β, (N,) in X₀."""
        depth: Array = (self.alpha - 1) / self.beta
        return depth


def mean_profile(energy: Array) -> Profile:
    """Return the mean profile of electron showers of `energy` (N,): T = ln y − 0.858, with y = E/E_c.

    >>> import numpy as np
    >>> float(mean_profile(np.array([10.0])).maximum.round(2)[0])
    6.28
    """
    ln_y = np.log(energy / CRITICAL_ENERGY)
    alpha = 0.21 + (0.492 + 2.38 / Z) * ln_y
    return Profile(alpha, (alpha - 1) / (ln_y - 0.858))


def draw_profile(energy: Array, rng: np.random.Generator) -> Profile:
    """Draw the profile of each of N electron showers of `energy` (N,): ln T and ln α are correlated normal numbers."""
    ln_y = np.log(np.maximum(energy, MIN_ENERGY) / CRITICAL_ENERGY)
    mean_t, mean_alpha = np.log(ln_y - 0.812), np.log(0.81 + (0.458 + 2.26 / Z) * ln_y)
    spread_t, spread_alpha = 1 / (-1.4 + 1.26 * ln_y), 1 / (-0.58 + 0.86 * ln_y)
    rho = 0.705 - 0.023 * ln_y
    first, second = rng.standard_normal((2, len(energy)))
    maximum = np.exp(mean_t + spread_t * first)
    alpha = np.exp(mean_alpha + spread_alpha * (rho * first + np.sqrt(1 - rho**2) * second))
    # A shower has a maximum: α of the softest may be drawn below 1.
    alpha = np.maximum(alpha, 1.1)
    return Profile(alpha, (alpha - 1) / maximum)


MIN_ENERGY: Final = 0.1
"""Energy (GeV) below which the fluctuations are those at this energy: their parametrisation ends near there."""


def layer_fractions(profile: Profile, start: Array, edges: Array) -> Array:
    """Return the share of the energy (N, L) between the depths `edges` (L + 1,) of showers that begin at `start` (N,).

    Both in the unit of 1/β. What is missing to 1 leaves at the back.
    """
    depth = np.maximum(edges - start[:, None], 0.0)
    inside = gammainc(profile.alpha[:, None], profile.beta[:, None] * depth)
    share: Array = np.diff(inside, axis=1)
    return share


class Widths(NamedTuple):
    """Radii (R_M) of core and tail of a profile, and the share of the core, each (N, L)."""

    core: Array
    tail: Array
    share: Array


def widths(energy: Array, depth: Array) -> Widths:
    """Return the radial profile of electron showers of `energy` (N,) at depths τ = t/T (N, L).

    f(r) = p · 2 r R_C²/(r² + R_C²)² + (1 − p) · 2 r R_T²/(r² + R_T²)².
    """
    ln_e = np.log(np.maximum(energy, MIN_ENERGY))[:, None]
    # Far behind the maximum the parametrised tail grows without bound.
    tau = np.clip(depth, 0.0, _DEEPEST)
    core = 0.0251 + 0.00319 * ln_e + (0.1162 - 0.000381 * Z) * tau
    k1, k2, k3, k4 = 0.659 - 0.00309 * Z, 0.645, -2.59, 0.3585 + 0.0421 * ln_e
    tail = k1 * (np.exp(k3 * (tau - k2)) + np.exp(k4 * (tau - k2)))
    p1, p2, p3 = 2.632 - 0.00094 * Z, 0.401 + 0.00187 * Z, 1.313 - 0.0686 * ln_e
    rise = (p2 - tau) / p3
    return Widths(core, tail, np.clip(p1 * np.exp(rise - np.exp(rise)), 0.0, 1.0))


_DEEPEST: Final = 5.0


def cell_fractions(x: Array, y: Array, radius: Array) -> Array:
    """Return what of the profile 2 r R²/(r² + R²)² falls into the cells of a grid, (…, Y, X).

    It is exact: the density R²/π(x² + y² + R²)² has the integral
    [x/√(x² + R²) · atan(y/√(x² + R²)) + y/√(y² + R²) · atan(x/√(y² + R²))] / 2π from 0 to x and from 0 to y.

    Args:
        x, y: edges of the cells from the shower's axis, (…, X + 1) and (…, Y + 1).
        radius: R of each, (…).

    >>> import numpy as np
    >>> edges = np.array([-1e6, 0.0, 1e6])
    >>> cell_fractions(edges, edges, np.array(0.5)).round(4).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    square = np.square(radius)[..., None]
    a, b = np.sqrt(np.square(x) + square)[..., None, :], np.sqrt(np.square(y) + square)[..., :, None]
    x, y = x[..., None, :], y[..., :, None]
    integral = (x / a * np.arctan(y / a) + y / b * np.arctan(x / b)) / (2 * np.pi)
    fractions: Array = np.diff(np.diff(integral, axis=-1), axis=-2)
    return fractions


def hadronic_profile(energy: Array) -> Profile:
    """Return the mean profile of the hadronic part of showers of `energy` (N,); 1/β is in interaction lengths.

    α and β are those of Bock, Hansl-Kozanecka and Shah, Nucl. Instrum. Meth. 186 (1981) 533.
    """
    ln_e = np.log(np.maximum(energy, 1.0))
    return Profile(0.6165 + 0.3183 * ln_e, 0.9099 - 0.0237 * ln_e)


def electromagnetic_fraction(energy: Array) -> Array:
    """Return the mean share of the energy (N,) of pions that goes into π⁰s: 1 − (E/1 GeV)^(k − 1), k = 0.82.

    Gabriel, Groom, Job, Mokhov and Stevenson, Nucl. Instrum. Meth. A 338 (1994) 336.
    """
    share: Array = 1 - np.maximum(energy, 1.0) ** -0.18
    return share
