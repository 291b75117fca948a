"""Cells of the calorimeter, and the regions of the level-1 trigger that they add up to.

The towers are those of the CMS trigger: Δφ = 5°, 28 rings per side to |η| = 3, four of which (and four in φ) make
a region, so that there are 18 × 14 regions. ECAL cells are finer than towers; beyond |η| = 3 cells span 10° in φ.
"""

from typing import Final

import numpy as np

from hepad.core.schema import CALO_SATURATION, CALO_SHAPE
from hepad.simulation.records import Array, wrap_phi

_TOWER_EDGES: Final = np.array(
    [
        *(0.087 * np.arange(21)),
        *(1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 3.0),
        *(3.139, 3.314, 3.489, 3.664, 3.839, 4.013, 4.191, 4.363, 4.538, 4.716, 4.889, 5.191),
    ]
)
_CENTRAL_RINGS: Final = 28
_TOWERS_IN_PHI: Final = 72
_FORWARD_CELLS_IN_PHI: Final = 36
_TOWERS_PER_REGION: Final = 4
_ECAL_CELLS_PER_TOWER: Final = 3
"""In η and in φ. CMS has 5 crystals, of which the cluster of a photon spans two."""

MAX_ABS_ETA: Final = float(_TOWER_EDGES[-1])


class Layout:
    """Cells in rings of equal η, numbered ring by ring, in each from φ = 0 to 2π.

    `eta_edges` (R + 1,) rise; `n_phi` (R,) is the number of cells of each ring.
    """

    def __init__(self, eta_edges: Array, n_phi: Array) -> None:
        self.eta_edges = eta_edges
        self.n_phi = n_phi
        self.first = np.cumsum(n_phi) - n_phi
        self.ring = np.repeat(np.arange(len(n_phi)), n_phi)
        self.n_cells = len(self.ring)

    def cell_at(self, eta: Array, phi: Array) -> Array:
        """Return the cells (N,) int64 at directions with |η| < `MAX_ABS_ETA`."""
        ring = np.searchsorted(self.eta_edges, eta, side="right") - 1
        n_phi = self.n_phi[ring]
        return self.first[ring] + np.floor(phi / (2 * np.pi) * n_phi).astype(np.int64) % n_phi

    def centre_of(self, cell: Array) -> tuple[Array, Array]:
        """Return η and φ in [−π, π) of the centres of `cell` (N,)."""
        half = np.full(len(cell), 0.5)
        return self.point_in(cell, half, half)

    def point_in(self, cell: Array, u: Array, v: Array) -> tuple[Array, Array]:
        """Return η and φ in [−π, π) at the fractions u, v (N,) in [0, 1) of the cells' sides."""
        ring = self.ring[cell]
        low, high = self.eta_edges[ring], self.eta_edges[ring + 1]
        phi = (cell - self.first[ring] + v) / self.n_phi[ring] * 2 * np.pi
        return low + u * (high - low), wrap_phi(phi)


def _layout(cells_per_tower: int) -> Layout:
    sub = np.arange(_CENTRAL_RINGS * cells_per_tower) / cells_per_tower
    central = np.interp(sub, np.arange(len(_TOWER_EDGES)), _TOWER_EDGES)
    positive = np.concatenate([central, _TOWER_EDGES[_CENTRAL_RINGS:]])
    n_phi = np.full(len(positive) - 1, _FORWARD_CELLS_IN_PHI)
    n_phi[: len(central)] = _TOWERS_IN_PHI * cells_per_tower
    return Layout(
        np.concatenate([-positive[:0:-1], positive]),
        np.concatenate([n_phi[::-1], n_phi]),
    )


ECAL_CELLS: Final = _layout(_ECAL_CELLS_PER_TOWER)
HCAL_CELLS: Final = _layout(1)

REGION_ETA_EDGES: Final[Array] = HCAL_CELLS.eta_edges[np.abs(HCAL_CELLS.eta_edges) <= _TOWER_EDGES[_CENTRAL_RINGS]][
    ::_TOWERS_PER_REGION
]
"""Edges (15,) in η of the trigger regions: 0, ±0.348, ±0.696, ±1.044, ±1.392, ±1.74, ±2.172, ±3."""


def region_et(event: Array, eta: Array, phi: Array, et: Array, n_events: int) -> Array:
    """Sum transverse energies `et` (N,) GeV into trigger regions, (E, 18, 14) uint16 GeV.

    Row i spans φ from 20°·i to 20°·(i + 1) and column 0 is the one at η = −3. Rounded, saturating at 1023.
    """
    rows, columns = CALO_SHAPE
    column = np.searchsorted(REGION_ETA_EDGES, eta, side="right") - 1
    row = np.floor(phi / (2 * np.pi) * rows).astype(np.int64) % rows
    inside = (column >= 0) & (column < columns)
    region = ((event * rows + row) * columns + column)[inside]
    summed = np.bincount(region, weights=et[inside], minlength=n_events * rows * columns)
    return np.minimum(np.rint(summed), CALO_SATURATION).astype(np.uint16).reshape(n_events, rows, columns)


def leading_trigger_jet(regions: Array) -> Array:
    """Return the largest E_T (E,) in GeV of 3 × 3 neighbouring `regions` (E, 18, 14), as the level-1 trigger sees jets.

    12 × 12 trigger towers are the jets of the CMS trigger of 2010 to 2015 (arXiv:1609.02366). φ closes to a ring;
    beyond the ends in η there is nothing.
    """
    ring = np.pad(regions.astype(np.int64), ((0, 0), (1, 1), (0, 0)), mode="wrap")
    padded = np.pad(ring, ((0, 0), (0, 0), (1, 1)))
    rows, columns = regions.shape[1:]
    sums = sum(padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3))
    largest: Array = np.asarray(sums).max(axis=(1, 2))
    return largest
