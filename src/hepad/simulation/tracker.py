"""Tracks: efficiency, momentum resolution, and the way of charged particles through the field.

Numbers are those of the public CMS card of Delphes 3 (arXiv:1307.6346, cards/delphes_card_CMS.tcl), which takes
the resolutions from CMS (arXiv:1405.6569).
"""

from typing import Final

import numpy as np

from hepad.simulation.records import Array, wrap_phi
from hepad.simulation.species import CHARGE, IS_ELECTRON, IS_MUON

MAX_ABS_ETA: Final = 2.5
FIELD: Final = 3.8
"""Solenoid field (T), along +z."""
RADIUS: Final = 1.29
HALF_LENGTH: Final = 3.0
"""The cylinder (m) on whose surface the calorimeter begins."""

# Rows: charged hadron, electron, muon.
_PT_EDGES: Final = np.array([0.1, 1.0, 100.0])
_EFFICIENCY: Final = np.array(
    [  # [barrel, endcap][below 0.1, to 1, to 100, above] GeV
        [[0.0, 0.70, 0.95, 0.95], [0.0, 0.60, 0.85, 0.85]],
        [[0.0, 0.73, 0.95, 0.99], [0.0, 0.50, 0.83, 0.90]],
        [[0.0, 0.75, 0.99, 0.99], [0.0, 0.70, 0.98, 0.98]],
    ]
)
_RESOLUTION_ETA_EDGES: Final = np.array([0.5, 1.5])
_RESOLUTION: Final = np.array(
    [  # [|η| to 0.5, 1.5, 2.5][constant, per GeV]
        [[0.01, 1.5e-4], [0.015, 2.5e-4], [0.025, 5.5e-4]],
        [[0.03, 1.3e-3], [0.05, 1.7e-3], [0.15, 3.1e-3]],
        [[0.01, 1.0e-4], [0.015, 1.5e-4], [0.025, 3.5e-4]],
    ]
)


def _row(species: Array) -> Array:
    row: Array = IS_ELECTRON[species] + 2 * IS_MUON[species]
    return row


def track_efficiency(pt: Array, eta: Array, species: Array) -> Array:
    """Return the probability (N,) that a particle leaves a reconstructed track; 0 for neutral ones."""
    abs_eta = np.abs(eta)
    endcap = (abs_eta > 1.5).astype(np.int64)
    found = _EFFICIENCY[_row(species), endcap, np.searchsorted(_PT_EDGES, pt)]
    return np.where((CHARGE[species] != 0) & (abs_eta < MAX_ABS_ETA), found, 0.0)


def track_resolution(pt: Array, eta: Array, species: Array) -> Array:
    """Return σ(pT)/pT = √(a² + (b·pT)²) of tracks, (N,)."""
    part = np.searchsorted(_RESOLUTION_ETA_EDGES, np.abs(eta))
    a, b = np.moveaxis(_RESOLUTION[_row(species), part], -1, 0)
    sigma: Array = np.hypot(a, b * pt)
    return sigma


def smear_track_pt(pt: Array, resolution: Array, rng: np.random.Generator) -> Array:
    """Return measured track momenta (N,) GeV: Gaussian, never below a tenth of the true one."""
    return pt * np.maximum(1 + resolution * rng.standard_normal(len(pt)), 0.1)


def calorimeter_entrance(pt: Array, eta: Array, phi: Array, charge: Array) -> tuple[Array, Array, Array]:
    """Return where particles enter the calorimeter: η, φ (N,), and whether they do at all.

    A charged particle moves on a helix of radius ρ = pT / (0.3 B) to the surface of the cylinder. It turns by
    2 asin(R / 2ρ) on its way to the barrel and by L / (ρ |sinh η|) to an endcap. What would turn by more than
    half a circle loses itself in the tracker: in the barrel everything below 0.74 GeV.
    """
    radius = np.maximum(pt / (0.3 * FIELD), 1e-6)
    sinh_eta = np.sinh(eta)
    chord = RADIUS / (2 * radius)
    to_barrel = np.where(chord < 1, 2 * np.arcsin(np.minimum(chord, 1)), np.inf)
    to_endcap = HALF_LENGTH / (radius * np.maximum(np.abs(sinh_eta), 1e-6))
    turn = np.minimum(to_barrel, to_endcap)
    arrives = (charge == 0) | (turn < np.pi)
    turn = np.minimum(turn, np.pi)
    bent_eta = np.arcsinh(turn * sinh_eta / (2 * np.sin(turn / 2)))
    bent_phi = wrap_phi(phi - charge * turn / 2)
    return np.where(charge == 0, eta, bent_eta), np.where(charge == 0, phi, bent_phi), arrives
