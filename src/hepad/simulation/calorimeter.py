"""Measurement of the calorimeter: energy summed per cell, smeared, and cut at the thresholds.

Resolutions and thresholds are those of the public CMS card of Delphes 3 (arXiv:1307.6346,
cards/delphes_card_CMS.tcl), with ECAL's from CMS (arXiv:1306.2016, arXiv:1502.02701).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.simulation.cells import ECAL_CELLS, HCAL_CELLS, Layout
from hepad.simulation.records import Array
from hepad.simulation.species import ECAL_SHARE, HCAL_SHARE

SIGNIFICANCE_MIN: Final = 2.0
"""Cells, and what is left of them beyond the tracks, must be this many standard deviations above zero."""


def ecal_resolution(energy: Array, eta: Array) -> Array:
    """Return σ(E) in GeV of electrons and photons of `energy` (N,) GeV."""
    abs_eta = np.abs(eta)
    crystals = np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.40**2)
    forward = np.sqrt((0.107 * energy) ** 2 + 2.08**2 * energy)
    scale = np.where(abs_eta <= 1.5, 1 + 0.64 * abs_eta**2, 2.16 + 5.6 * (abs_eta - 2) ** 2)
    return np.where(abs_eta <= 2.5, scale * crystals, forward)


def hcal_resolution(energy: Array, eta: Array) -> Array:
    """Return σ(E) in GeV of hadrons of `energy` (N,) GeV."""
    central = np.sqrt((0.05 * energy) ** 2 + 1.5**2 * energy)
    forward = np.sqrt((0.13 * energy) ** 2 + 2.7**2 * energy)
    return np.where(np.abs(eta) <= 3.0, central, forward)


@dataclass(frozen=True)
class Subdetector:
    """ECAL or HCAL: its cells, the share of each species' energy it sees, its resolution and threshold (GeV)."""

    cells: Layout
    share: Array
    resolution: Callable[[Array, Array], Array]
    energy_min: float


ECAL: Final = Subdetector(ECAL_CELLS, ECAL_SHARE, ecal_resolution, energy_min=0.5)
HCAL: Final = Subdetector(HCAL_CELLS, HCAL_SHARE, hcal_resolution, energy_min=1.0)


@dataclass(frozen=True)
class Hits:
    """Cells that anything entered (N,): event, cell, centre, measured energy and its σ (GeV).

    The energy is 0 below threshold. `slot` = event · number of cells + cell rises.
    """

    slot: Array
    event: Array
    cell: Array
    eta: Array
    phi: Array
    energy: Array
    sigma: Array


def measure(detector: Subdetector, slot: Array, energy: Array, n_events: int, rng: np.random.Generator) -> Hits:
    """Sum the true `energy` (N,) GeV that enters each `slot` and return what `detector` measures."""
    n_cells = detector.cells.n_cells
    true = np.bincount(slot, weights=energy, minlength=n_events * n_cells)
    hit = np.flatnonzero(true)
    event, cell = np.divmod(hit, n_cells)
    eta, phi = detector.cells.centre_of(cell)
    measured = smear_energy(true[hit], detector.resolution(true[hit], eta), rng)
    sigma = detector.resolution(measured, eta)
    seen = (measured >= detector.energy_min) & (measured >= SIGNIFICANCE_MIN * sigma)
    return Hits(hit, event, cell, eta, phi, np.where(seen, measured, 0.0), sigma)


def smear_energy(energy: Array, sigma: Array, rng: np.random.Generator) -> Array:
    """Return measured energies (N,): Gaussian around `energy` with standard deviation `sigma`, not below 0.

    Delphes takes a log-normal instead. Its tail is longer than that of calorimeters where σ exceeds E, which is
    most cells of pileup, and made half again as many pileup jets as CMS sees.
    """
    return np.maximum(energy + sigma * rng.standard_normal(len(energy)), 0.0)
