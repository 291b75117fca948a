"""Showers in a regular grid of cells: photons, and pions as the anomaly. Parametrised, without Geant4.

docs/showers.md has the formulas and what they leave out.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np

from hepad.core.errors import UserError
from hepad.core.schema import INCIDENT_ENERGY, SHOWER_DATASET
from hepad.simulation.records import Array, Record, Stored
from hepad.simulation.shower_shapes import (
    INTERACTION_LENGTH,
    Profile,
    cell_fractions,
    draw_profile,
    electromagnetic_fraction,
    hadronic_profile,
    layer_fractions,
    widths,
)

DEPTH: Final = 24.0
"""Depth of the grid (X₀)."""
HALF_WIDTH: Final = 3.75
"""Half of its width and of its height (R_M)."""
SPOT: Final = 0.75
"""Side of the square, in the middle of the front, that particles hit (R_M)."""
SAMPLING_FRACTION: Final = 0.03
"""Share of the energy in a cell that its sensitive part sees."""
GRAIN: Final = 0.675
"""Visible energy (MeV) of one grain of an electromagnetic shower: σ/E is √(grain / 30 MeV) = 15% at 1 GeV."""
HADRONIC_GRAIN: Final = 6.0
"""The same of a hadronic part, which is made of fewer particles."""
CONVERSION: Final = 9 / 7
"""Mean depth (X₀) at which a photon converts."""
_INVISIBLE: Final = 0.3
_CONCENTRATION: Final = 6.0
_MIP: Final = 7.7e-3
_WIDTH, _WIDENING = 1.0, 1.0
_LATEST: Final = 0.75
_FINEST_LAYERS: Final = 30
_SHARPEST: Final = 0.05
_MEV: Final = 1e3


@dataclass(frozen=True)
class ShowerSettings:
    """Key `showers` of a simulation.

    Attributes:
        cells: along each side of the grid.
        min_energy, max_energy: of the particles (GeV), which are uniform in between.
        threshold: cells below it (MeV) are read as 0.
    """

    cells: int = 10
    min_energy: float = 10.0
    max_energy: float = 100.0
    threshold: float = 0.1

    def __post_init__(self) -> None:
        if isinstance(self.cells, bool) or not isinstance(self.cells, int) or not 4 <= self.cells <= 100:
            raise UserError(f"showers.cells={self.cells!r}; it must be a whole number, from 4 to 100")
        for name in ("min_energy", "max_energy", "threshold"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
                raise UserError(f"showers.{name}={value!r}; it must be a number")
        if not 1 <= self.min_energy <= self.max_energy <= 1000:
            raise UserError(
                f"showers.min_energy={self.min_energy:g} and showers.max_energy={self.max_energy:g}; both must be from "
                "1 to 1000 (GeV), in this order"
            )
        if not 0 <= self.threshold <= 100:
            raise UserError(f"showers.threshold={self.threshold:g}; it must be from 0 to 100 (MeV)")


@dataclass(frozen=True)
class Showers(Record):
    """N showers: visible energy (MeV) in the cells (N, Z, Y, X) float32, and energy (GeV) of the particle (N,)."""

    layout: ClassVar[tuple[Stored, ...]] = (
        Stored("cells", SHOWER_DATASET, "<f4", unit="MeV"),
        Stored("energy", INCIDENT_ENERGY, "<f4", unit="GeV", exact=True),
    )

    cells: Array
    energy: Array


def simulate_showers(
    kind: Literal["photon", "pion"], n: int, settings: ShowerSettings, mantissa_bits: int, rng: np.random.Generator
) -> Showers:
    """Return `n` showers; cells are rounded to so many bits of mantissa, to the nearest."""
    energy = rng.uniform(settings.min_energy, settings.max_energy, n)
    axis = rng.uniform(-SPOT / 2, SPOT / 2, (2, n))
    make = _photon_parts if kind == "photon" else _pion_parts
    cells = np.zeros((n, *[settings.cells] * 3))
    for mean, grain in make(energy, axis, settings.cells, rng):
        cells += _grains(mean, grain, rng)
    cells = np.where(cells < settings.threshold, 0.0, cells)
    return Showers(round_mantissa(cells, mantissa_bits), energy.astype(np.float32))


def round_mantissa(values: Array, bits: int) -> Array:
    """Return numbers as float32 with `bits` of the 23 bits of mantissa, rounded to the nearest.

    >>> import numpy as np
    >>> round_mantissa(np.array([0.0, 1.26, 1.24]), 2)
    array([0.  , 1.25, 1.25], dtype=float32)
    """
    found = np.ascontiguousarray(values, dtype=np.float32)
    if bits >= _FLOAT_BITS:
        return found
    half = np.uint32(1 << (_FLOAT_BITS - bits - 1))
    mask = np.uint32((0xFFFFFFFF << (_FLOAT_BITS - bits)) & 0xFFFFFFFF)
    return ((found.view(np.uint32) + half) & mask).view(np.float32)


_FLOAT_BITS: Final = 23


def _grains(mean: Array, grain: float, rng: np.random.Generator) -> Array:
    """Draw the visible energy of cells: Γ distributed, of this mean and of the variance mean · grain.

    Sums of such numbers are such numbers: what a cell of twice the size sees has the same distribution as the sum of
    the cells that it is made of.
    """
    seen: Array = rng.standard_gamma(np.maximum(mean, 0.0) / grain) * grain
    return seen


def _photon_parts(energy: Array, axis: Array, n_cells: int, rng: np.random.Generator) -> list[tuple[Array, float]]:
    start = rng.exponential(CONVERSION, len(energy))
    return [(_electromagnetic(energy, start, axis, n_cells, rng), GRAIN)]


def _pion_parts(energy: Array, axis: Array, n_cells: int, rng: np.random.Generator) -> list[tuple[Array, float]]:
    """Return the mean visible energies of π⁰s and of the rest, each with its grain.

    The start is exponential in the interaction length, of those pions that interact in the first three quarters.
    """
    latest = -np.expm1(-_LATEST * DEPTH / INTERACTION_LENGTH)
    start = -INTERACTION_LENGTH * np.log1p(-latest * rng.random(len(energy)))
    mean = electromagnetic_fraction(energy)
    share = rng.beta(_CONCENTRATION * mean, _CONCENTRATION * (1 - mean))
    electromagnetic = _electromagnetic(np.maximum(share * energy, 1e-3), start, axis, n_cells, rng)
    hadronic = _hadronic((1 - share) * (1 - _INVISIBLE) * energy, energy, start, axis, n_cells)
    return [(electromagnetic, GRAIN), (hadronic + _ionisation(start, axis, n_cells), HADRONIC_GRAIN)]


def _electromagnetic(energy: Array, start: Array, axis: Array, n_cells: int, rng: np.random.Generator) -> Array:
    """Return the mean visible energy (MeV) in cells (N, Z, Y, X) of electron showers that begin at `start` (N,)."""
    profile = draw_profile(energy, rng)
    edges, per_layer = _layers(n_cells)
    share = layer_fractions(profile, start, edges)
    depth = ((edges[:-1] + edges[1:]) / 2 - start[:, None]) / profile.maximum[:, None]
    found = widths(energy, depth)
    spread = sum(
        weight[..., None, None] * _in_cells(axis, n_cells, radius)
        for weight, radius in ((found.share, found.core), (1 - found.share, found.tail))
    )
    return _summed(energy, share, spread, per_layer)


def _hadronic(seen: Array, energy: Array, start: Array, axis: Array, n_cells: int) -> Array:
    """Return the same of the part of pions that is no π⁰, of which `seen` (N,) GeV of the energy can be seen."""
    profile = hadronic_profile(energy)
    profile = Profile(profile.alpha, profile.beta / INTERACTION_LENGTH)
    edges, per_layer = _layers(n_cells)
    share = layer_fractions(profile, start, edges)
    behind = np.maximum((edges[:-1] + edges[1:]) / 2 - start[:, None], 0.0) / INTERACTION_LENGTH
    return _summed(seen, share, _in_cells(axis, n_cells, _WIDTH + _WIDENING * behind), per_layer)


def _ionisation(start: Array, axis: Array, n_cells: int) -> Array:
    """Return the same of the track before the pion interacts."""
    edges, per_layer = _layers(n_cells)
    length = np.diff(np.minimum(edges, start[:, None]), axis=1)
    spread = _in_cells(axis, n_cells, np.full_like(length, _SHARPEST))
    return _summed(np.full(len(start), _MIP), length, spread, per_layer)


def _layers(n_cells: int) -> tuple[Array, int]:
    """Return the edges (X₀) of thin layers in which widths are evaluated, and how many make a layer of cells."""
    per_layer = -(-_FINEST_LAYERS // n_cells)
    return np.linspace(0, DEPTH, per_layer * n_cells + 1), per_layer


def _in_cells(axis: Array, n_cells: int, radius: Array) -> Array:
    edges = np.linspace(-HALF_WIDTH, HALF_WIDTH, n_cells + 1)
    x, y = (np.broadcast_to(edges - place[:, None, None], (*radius.shape, n_cells + 1)) for place in axis)
    return cell_fractions(x, y, np.maximum(radius, _SHARPEST))


def _summed(energy: Array, share: Array, spread: Any, per_layer: int) -> Array:
    thin = (_MEV * SAMPLING_FRACTION * energy[:, None] * share)[..., None, None] * spread
    layers: Array = thin.reshape(len(thin), -1, per_layer, *thin.shape[2:]).sum(axis=2)
    return layers
