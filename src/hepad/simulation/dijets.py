"""Dijets for resonant searches: masses and substructure of the two leading R = 1 jets of an event, at particle level.

Neither detector nor pileup: jets are made of the stable visible particles of one collision. The columns are those that
the preset lhco_features makes of the LHC Olympics (arXiv:2101.08320), so that either stands in for the other.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from hepad.core.schema import DIJET_FEATURES, EVENT_DATASET, TABLE_DATASET
from hepad.formats.functions import delta_phi, eta_of, mass_of, phi_of, pt_of, tau_ratio
from hepad.formats.jet_substructure import cluster, jet_energy, jet_px, jet_py, jet_pz, n_subjettiness
from hepad.simulation.generator import EventRecord, import_simulation_package, reduce_records
from hepad.simulation.records import Array, Record, Stored
from hepad.simulation.species import MASS

RADIUS: Final = 1.0
MIN_PT: Final = 1200.0
"""pT (GeV) that the leading jet exceeds, as the trigger of the LHC Olympics asks."""
BETA: Final = 1.0
EVENTS_OF_CHUNK: Final = 1_000_000
"""Numbers of events that belong to one chunk, more than it ever generates."""


@dataclass(frozen=True)
class Dijets(Record):
    """N events with two jets: their table (N, F) float32, and the number (N,) int64 of each event."""

    layout: ClassVar[tuple[Stored, ...]] = (
        Stored("table", TABLE_DATASET, "<f4", DIJET_FEATURES),
        Stored("event", EVENT_DATASET, "<i8"),
    )

    table: Array
    event: Array


def simulate_dijets(hard: EventRecord, first: int) -> Dijets:
    """Return the events of `hard`, numbered from `first` on, that have two jets and one of them above 1.2 TeV."""
    jets = leading_jets(hard)
    pt = pt_of(jet_px(jets), jet_py(jets))
    kept = np.flatnonzero((pt[:, 0] > MIN_PT) & (pt[:, 1] > 0))
    return Dijets(dijet_table(jets[kept]), first + kept)


def leading_jets(hard: EventRecord) -> Any:
    """Return the two leading anti-kT jets of each event with their constituents, (E, 2, constituents), by falling pT.

    Clustered is what `hepad.simulation.generator` keeps of an event, neutrinos left out: |η| < 5.2, and pT above 0.1
    GeV, neutral particles above 0.05 GeV.
    """
    ak = import_simulation_package("awkward")
    seen = reduce_records(hard)
    columns = (seen.pt, seen.eta, seen.phi, MASS[seen.species])
    pt, eta, phi, mass = (ak.unflatten(column, seen.n_particles) for column in columns)
    return cluster(pt, eta, phi, mass, RADIUS, 2)


def dijet_table(jets: Any) -> Array:
    """Return the columns `DIJET_FEATURES` (N, F) float32 of pairs of jets (N, 2, constituents).

    The pairs are ordered by mass, the heavier jet first. τ_N: β = 1, R_0 = 1, one-pass kT axes.
    """
    px, py, pz, energy = (component(jets) for component in (jet_px, jet_py, jet_pz, jet_energy))
    tau = n_subjettiness(jets, 3, BETA, RADIUS)
    mass = mass_of(energy, px, py, pz)
    tau21, tau32 = tau_ratio(tau[..., 1], tau[..., 0]), tau_ratio(tau[..., 2], tau[..., 1])
    eta, phi, pt = eta_of(px, py, pz), phi_of(px, py), pt_of(px, py)
    delta_eta = np.abs(eta[:, 0] - eta[:, 1])
    # Of two jets of one mass the harder is the first.
    order = np.argsort(-mass, axis=1, kind="stable")
    (m_1, m_2), (pt_1, pt_2), (tau21_1, tau21_2), (tau32_1, tau32_2) = (
        np.take_along_axis(values, order, axis=1).T for values in (mass, pt, tau21, tau32)
    )
    columns = {
        "m_jj": mass_of(energy.sum(axis=1), px.sum(axis=1), py.sum(axis=1), pz.sum(axis=1)),
        "m_j1": m_1,
        "m_j2": m_2,
        "delta_m": m_1 - m_2,
        "tau21_j1": tau21_1,
        "tau21_j2": tau21_2,
        "tau32_j1": tau32_1,
        "tau32_j2": tau32_2,
        "delta_eta": delta_eta,
        "pt_j1": pt_1,
        "pt_j2": pt_2,
        "delta_r": np.hypot(delta_eta, delta_phi(phi[:, 0], phi[:, 1])),
    }
    return np.stack([columns[name] for name in DIJET_FEATURES], axis=1).astype(np.float32)
