"""Reconstructed events: jets, calorimeter regions and event features of a batch of crossings."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from hepad.core.schema import (
    CALO_DATASET,
    EVENT_FEATURES,
    EVENT_FEATURES_DATASET,
    HT_JET_MAX_ABS_ETA,
    HT_JET_PT_MIN,
    JET_DATASET,
    JET_FEATURES,
)
from hepad.simulation.cells import leading_trigger_jet, region_et
from hepad.simulation.jets import JetTable, leading_jets, reconstruct_jets
from hepad.simulation.particle_flow import propagate, reconstruct
from hepad.simulation.pileup import Collisions, overlay
from hepad.simulation.records import Array, Record, Stored
from hepad.simulation.vertices import find_vertices, is_pileup

FLAVOUR_DATASET: Final = "jet_hadron_flavour"
"""True hadron flavour of the jets, (N, 8) int8: 0, 4 or 5, −1 for empty slots. For checks, never an input."""


@dataclass(frozen=True)
class Events(Record):
    """E events: jets (E, 8, 17) float32, regions (E, 18, 14) uint16, features (E, F) float32.

    `jet_flavour` (E, 8) int8 is the true hadron flavour of the jets, −1 where there is none.
    """

    layout: ClassVar[tuple[Stored, ...]] = (
        Stored("jets", JET_DATASET, "<f4", JET_FEATURES),
        Stored("regions", CALO_DATASET, "<u2"),
        Stored("features", EVENT_FEATURES_DATASET, "<f4", EVENT_FEATURES),
        Stored("jet_flavour", FLAVOUR_DATASET, "i1"),
    )

    # Fields are written in this order, which the bytes of the bundled files depend on.
    jets: Array
    regions: Array
    jet_flavour: Array
    features: Array

    def feature(self, name: str) -> Array:
        """Return one event feature (E,)."""
        values: Array = self.features[:, EVENT_FEATURES.index(name)]
        return values


def simulate_events(hard: Collisions | None, pileup: Collisions, n_pileup: Array, rng: np.random.Generator) -> Events:
    """Overlay the collisions of `pileup`, `n_pileup` (E,) each, on `hard`; simulate the detector and reconstruct."""
    crossings = overlay(hard, pileup, n_pileup)
    n_events = crossings.n_events
    particles = propagate(crossings)
    candidates, hits = reconstruct(particles, n_events, rng)
    primary_vertex, n_vertices = find_vertices(candidates, n_events)
    jets = reconstruct_jets(
        candidates,
        is_pileup(candidates, primary_vertex),
        crossings,
        rng,
    )
    event, eta, phi, energy = (
        np.concatenate([getattr(hit, name) for hit in hits.values()]) for name in ("event", "eta", "phi", "energy")
    )

    def total(values: Array) -> Array:
        return np.bincount(candidates.event, values, n_events)

    pt = candidates.pt
    regions = region_et(event, eta, phi, energy / np.cosh(eta), n_events)
    columns = {
        "n_pileup": n_pileup,
        "n_vertices": n_vertices,
        "n_jets": np.bincount(jets.event, minlength=n_events),
        "ht": scalar_sum_of_jets(jets, n_events),
        "met": np.hypot(total(pt * np.cos(candidates.phi)), total(pt * np.sin(candidates.phi))),
        "sum_et": total(pt),
        "l1_sum_et": regions.sum(axis=(1, 2), dtype=np.int64),
        "l1_jet_et": leading_trigger_jet(regions),
    }
    leading, flavour = leading_jets(jets, n_events)
    return Events(
        jets=leading,
        regions=regions,
        features=np.stack([columns[name] for name in EVENT_FEATURES], axis=1).astype(np.float32),
        jet_flavour=flavour,
    )


def scalar_sum_of_jets(jets: JetTable, n_events: int) -> Array:
    """Return H_T (E,) in GeV: Σ pT of jets with pT > 30 GeV and |η| < 2.5."""
    pt, eta = jets.column("pt"), jets.column("eta")
    counted = (pt > HT_JET_PT_MIN) & (np.abs(eta) < HT_JET_MAX_ABS_ETA)
    return np.bincount(jets.event[counted], pt[counted], n_events)
