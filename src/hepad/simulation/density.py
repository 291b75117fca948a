"""The density ρ of pileup: the median pT per area on a fixed grid, in ranges of |η|.

The idea of FastJet's GridMedianBackgroundEstimator (arXiv:0707.1378), as CMS uses it. Charged pileup is subtracted
where there is a tracker and resolution changes with η, so ρ differs between the ranges.
"""

from typing import Final

import numpy as np

from hepad.simulation.arrays import Array

RANGE_EDGES: Final = np.array([0.0, 1.5, 2.5, 3.0, 5.0])
"""Ranges of |η|: barrel, endcap, endcap without tracker, forward."""
_CELLS_IN_ETA: Final = (6, 4, 2, 8)
"""Rings of the grid per range, both sides together: about 0.5 in η."""
_CELLS_IN_PHI: Final = 12
_PROFILE_STEP: Final = 0.25
_PROFILE: Final = np.array(
    [0.93, 0.92, 0.90, 0.90, 0.90, 0.88, 0.75, 1.02, 1.21, 1.24,
     1.15, 1.32, 0.64, 0.83, 1.04, 1.17, 1.32, 1.39, 1.47, 1.57]
)  # fmt: skip
"""Mean density of neutral pileup over ρ in steps of |η|, measured in 2000 crossings of this simulation.

ρ is a median, includes the tracks of the primary vertex, and is one number per range; the offset correction of
CMS depends on η for the same reasons.
"""


def pileup_density(event: Array, pt: Array, eta: Array, phi: Array, n_events: int) -> Array:
    """Return ρ (E, 4) in GeV per unit area of each event and range of |η|, from candidates (N,)."""
    edges = np.concatenate(
        [
            np.linspace(a, b, n // 2 + 1)[:-1]
            for a, b, n in zip(RANGE_EDGES, RANGE_EDGES[1:], _CELLS_IN_ETA, strict=False)
        ]
        + [RANGE_EDGES[-1:]]
    )
    n_rings = len(edges) - 1
    ring = np.searchsorted(edges, np.abs(eta), side="right") - 1
    inside = ring < n_rings
    side = eta < 0
    column = np.floor(phi / (2 * np.pi) * _CELLS_IN_PHI).astype(np.int64) % _CELLS_IN_PHI
    cell = ((event * n_rings + ring) * 2 + side) * _CELLS_IN_PHI + column
    n_cells = n_events * n_rings * 2 * _CELLS_IN_PHI
    sums = np.bincount(cell[inside], weights=pt[inside], minlength=n_cells)
    area = np.diff(edges) * 2 * np.pi / _CELLS_IN_PHI
    density = sums.reshape(n_events, n_rings, -1) / area[:, None]
    first = np.cumsum([n // 2 for n in _CELLS_IN_ETA])[:-1]
    return np.stack(
        [np.median(part.reshape(n_events, -1), axis=1) for part in np.split(density, first, axis=1)], axis=1
    )


def pileup_offset(rho: Array, event: Array, eta: Array) -> Array:
    """Return the expected pileup (J,) in GeV per unit area at the η of jets in events of densities `rho` (E, 4)."""
    abs_eta = np.minimum(np.abs(eta), RANGE_EDGES[-1] - 1e-6)
    in_range = np.searchsorted(RANGE_EDGES, abs_eta, side="right") - 1
    offset: Array = rho[event, in_range] * _PROFILE[(abs_eta / _PROFILE_STEP).astype(np.int64)]
    return offset
