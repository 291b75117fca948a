"""Particle-flow candidates: tracks, and what calorimeter cells hold beyond the tracks that point to them.

The scheme of Delphes 3 (arXiv:1307.6346, section 2.3): energy in a cell that its tracks do not account for, by
more than two standard deviations, is a photon (ECAL) or a neutral hadron (HCAL). Charged hadrons without a track
so come out as neutral ones. Where there is no such excess, tracks are rescaled to the weighted mean of both
measurements, which matters for the stiffest.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from hepad.simulation.calorimeter import ECAL, HCAL, SIGNIFICANCE_MIN, Hits, Subdetector, measure
from hepad.simulation.cells import MAX_ABS_ETA
from hepad.simulation.pileup import Crossings
from hepad.simulation.records import Array
from hepad.simulation.species import CHARGE, IS_ELECTRON, IS_MUON, MASS
from hepad.simulation.tracker import (
    calorimeter_entrance,
    smear_track_pt,
    track_efficiency,
    track_resolution,
)

NO_VERTEX: Final = -1


class Kind(IntEnum):
    """Kinds of candidates."""

    CHARGED_HADRON = 0
    ELECTRON = 1
    MUON = 2
    PHOTON = 3
    NEUTRAL_HADRON = 4


@dataclass(frozen=True)
class Candidates:
    """Particle-flow candidates (N,), flat: pt and mass in GeV; `vertex` is −1 for those without a track."""

    event: Array
    kind: Array
    vertex: Array
    pt: Array
    eta: Array
    phi: Array
    mass: Array

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True)
class Particles:
    """The particles (N,) of crossings: at their vertex, and where they enter the calorimeter."""

    event: Array
    vertex: Array
    species: Array
    pt: Array
    eta: Array
    phi: Array
    energy: Array
    calo_eta: Array
    calo_phi: Array
    reaches_calo: Array


def propagate(crossings: Crossings) -> Particles:
    """Follow the particles of crossings to the calorimeter."""
    found = crossings.collisions
    pt, eta, phi = (x.astype(np.float64) for x in (found.pt, found.eta, found.phi))
    calo_eta, calo_phi, arrives = calorimeter_entrance(pt, eta, phi, CHARGE[found.species])
    return Particles(
        event=np.repeat(crossings.event, found.n_particles),
        vertex=np.repeat(crossings.vertex, found.n_particles),
        species=found.species,
        pt=pt,
        eta=eta,
        phi=phi,
        energy=np.hypot(pt * np.cosh(eta), MASS[found.species]),
        calo_eta=calo_eta,
        calo_phi=calo_phi,
        reaches_calo=arrives & (np.abs(calo_eta) < MAX_ABS_ETA),
    )


@dataclass(frozen=True)
class Tracks:
    """Reconstructed tracks (N,): the particle, measured pT (GeV) and σ(pT)/pT."""

    particle: Array
    pt: Array
    resolution: Array


def find_tracks(particles: Particles, rng: np.random.Generator) -> Tracks:
    """Draw which particles leave a track, and measure it."""
    efficiency = track_efficiency(particles.pt, particles.eta, particles.species)
    found = np.flatnonzero(rng.random(len(efficiency)) < efficiency)
    pt = particles.pt[found]
    resolution = track_resolution(pt, particles.eta[found], particles.species[found])
    return Tracks(found, smear_track_pt(pt, resolution, rng), resolution)


def reconstruct(particles: Particles, n_events: int, rng: np.random.Generator) -> tuple[Candidates, dict[str, Hits]]:
    """Return the particle-flow candidates and the calorimeter hits of `n_events` crossings."""
    tracks = find_tracks(particles, rng)
    hits, neutrals = {}, []
    scale = np.ones(len(tracks.pt))
    for name, detector, kind in (("ecal", ECAL, Kind.PHOTON), ("hcal", HCAL, Kind.NEUTRAL_HADRON)):
        deposits = np.flatnonzero(particles.reaches_calo & (detector.share[particles.species] > 0))
        slot = np.full(len(particles.pt), -1)
        slot[deposits] = particles.event[deposits] * detector.cells.n_cells + detector.cells.cell_at(
            particles.calo_eta[deposits], particles.calo_phi[deposits]
        )
        deposited = particles.energy[deposits] * detector.share[particles.species[deposits]]
        hits[name] = measure(detector, slot[deposits], deposited, n_events, rng)
        excess, track_scale = _compare_with_tracks(detector, hits[name], particles, tracks, slot)
        neutrals.append(_neutral_candidates(detector, hits[name], excess, kind, rng))
        scale *= track_scale
    return _concatenate([_track_candidates(particles, tracks, scale), *neutrals]), hits


def _compare_with_tracks(
    detector: Subdetector, hits: Hits, particles: Particles, tracks: Tracks, slot: Array
) -> tuple[Array, Array]:
    """Return the significant excess of each hit over its tracks (GeV, 0 if none), and each track's rescaling."""
    # The number of the hit each track points to; tracks that reach this detector always have one.
    track_slot = slot[tracks.particle]
    pointing = np.flatnonzero(track_slot >= 0)
    hit = np.searchsorted(hits.slot, track_slot[pointing])
    energy = (tracks.pt * np.cosh(particles.eta[tracks.particle]))[pointing]
    variance = (energy * tracks.resolution[pointing]) ** 2
    track_sum = np.bincount(hit, weights=energy, minlength=len(hits.slot))
    track_variance = np.bincount(hit, weights=variance, minlength=len(hits.slot))

    excess = hits.energy - track_sum
    sigma = np.sqrt(hits.sigma**2 + track_variance)
    significant = (excess > detector.energy_min) & (excess > SIGNIFICANCE_MIN * sigma)

    weight = track_variance / np.maximum(sigma**2, 1e-12)
    shared = ~significant & (hits.energy > 0) & (track_sum > 0)
    ratio = np.divide(hits.energy, track_sum, out=np.ones(len(track_sum)), where=shared)
    scale = np.ones(len(tracks.pt))
    scale[pointing] = (1 + weight * (ratio - 1))[hit]
    return np.where(significant, excess, 0.0), scale


def _neutral_candidates(
    detector: Subdetector, hits: Hits, excess: Array, kind: Kind, rng: np.random.Generator
) -> Candidates:
    found = np.flatnonzero(excess)
    eta, phi = detector.cells.point_in(hits.cell[found], *rng.random((2, len(found))))
    return Candidates(
        event=hits.event[found],
        kind=np.full(len(found), kind, dtype=np.int8),
        vertex=np.full(len(found), NO_VERTEX),
        pt=excess[found] / np.cosh(eta),
        eta=eta,
        phi=phi,
        mass=np.zeros(len(found)),
    )


def _track_candidates(particles: Particles, tracks: Tracks, scale: Array) -> Candidates:
    index = tracks.particle
    species = particles.species[index]
    lepton = IS_ELECTRON[species] * Kind.ELECTRON + IS_MUON[species] * Kind.MUON
    return Candidates(
        event=particles.event[index],
        kind=lepton.astype(np.int8),
        vertex=particles.vertex[index],
        pt=tracks.pt * scale,
        eta=particles.eta[index],
        phi=particles.phi[index],
        # As CMS does, every charged hadron is taken for a pion.
        mass=np.where(lepton == 0, 0.13957, MASS[species]),
    )


def _concatenate(parts: list[Candidates]) -> Candidates:
    names = Candidates.__dataclass_fields__
    return Candidates(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
