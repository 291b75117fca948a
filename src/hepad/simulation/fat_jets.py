"""Fat jets for jet images: the constituents of one hard R = 0.8 jet per event, QCD or top with its three quarks."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np

from hepad.core.schema import (
    CONSTITUENT_FEATURES,
    FAT_JET_FEATURES,
    JET_CONSTITUENTS_DATASET,
    JET_FEATURES_DATASET,
    N_CONSTITUENTS,
)
from hepad.simulation.clustering import FourMomenta, Jets, cluster, pileup_density
from hepad.simulation.generator import EventRecord, reduce_records
from hepad.simulation.jets import correction
from hepad.simulation.particle_flow import propagate, reconstruct
from hepad.simulation.pileup import Collisions, overlay
from hepad.simulation.records import Array, Record, Stored, wrap_phi
from hepad.simulation.vertices import find_vertices, is_pileup

_TOP: Final = 6
_W: Final = 24
_HEAVIEST_QUARK: Final = 5
_N_QUARKS: Final = 3


@dataclass(frozen=True)
class HadronicTops:
    """Tops that decayed to three quarks (T,): the event, and η and φ (rad) of the top, then of its quarks (T, 4)."""

    event: Array
    eta: Array
    phi: Array


def hadronic_tops(record: EventRecord) -> HadronicTops:
    """Find the tops of events whose W decayed to quarks; quarks as they left the decay, before they radiated."""
    first = np.repeat(np.cumsum(record.counts) - record.counts, record.counts)
    mother = first + record.mother
    kind = np.abs(record.pdg)
    # A heavy particle stands in the record once for every recoil; its decay products name the last copy as mother.
    is_decaying_w = (kind == _W) & ~_has_child_of_its_kind(kind, mother, _W)
    quarks = np.flatnonzero((kind >= 1) & (kind <= _HEAVIEST_QUARK))
    of_w = quarks[is_decaying_w[mother[quarks]]]
    w_origin = mother[of_w]
    while (copy := kind[mother[w_origin]] == _W).any():
        w_origin = np.where(copy, mother[w_origin], w_origin)
    of_top = quarks[kind[mother[quarks]] == _TOP]
    product = np.concatenate([of_top, of_w])
    top = np.concatenate([mother[of_top], mother[w_origin]])
    from_top = kind[top] == _TOP
    product, top = product[from_top], top[from_top]

    order = np.argsort(top, kind="stable")
    product, top = product[order], top[order]
    found, start, n = np.unique(top, return_index=True, return_counts=True)
    found, start = found[n == _N_QUARKS], start[n == _N_QUARKS]
    members = np.column_stack([found, product[start[:, None] + np.arange(_N_QUARKS)]])
    event = np.repeat(np.arange(len(record.counts)), record.counts)
    return HadronicTops(event[found], record.eta[members], record.phi[members])


def _has_child_of_its_kind(kind: Array, mother: Array, wanted: int) -> Array:
    found = np.zeros(len(kind), dtype=bool)
    found[mother[kind == wanted]] = True
    last: Array = found & (kind == wanted)
    return last


RADIUS: Final = 0.8
PT_RANGE: Final = (550.0, 650.0)
"""Corrected pT (GeV) of the jets: narrow, so that neither sample is known by its pT."""
MAX_ABS_ETA: Final = 2.0
_RAW_PT_MIN: Final = 400.0


@dataclass(frozen=True)
class FatJets(Record):
    """N fat jets: constituents (N, 100, 3) float32 by falling pT, zero padded, and features (N, F) float32."""

    layout: ClassVar[tuple[Stored, ...]] = (
        Stored("constituents", JET_CONSTITUENTS_DATASET, "<f4", CONSTITUENT_FEATURES),
        Stored("features", JET_FEATURES_DATASET, "<f4", FAT_JET_FEATURES),
    )

    constituents: Array
    features: Array


def simulate_fat_jets(
    hard: EventRecord, wanted: Literal["any", "top"], pileup: Collisions, n_pileup: Array, rng: np.random.Generator
) -> tuple[FatJets, Array]:
    """Overlay the collisions of `pileup`, `n_pileup` (E,) each, on `hard`, and return the hardest jet wanted of each.

    Returns the jets (N,), and which events (E,) have one.

    Jets are anti-kT, R = 0.8, from what charged-hadron subtraction leaves; the pT of the whole jet is corrected as
    that of smaller jets, its constituents are not. Wanted are jets with corrected pT from 550 to 650 GeV and
    |η| < 2. For `top` they also hold a top and its three quarks, all within ΔR < 0.8 of the jet's axis.
    """
    crossings = overlay(reduce_records(hard), pileup, n_pileup)
    n_events = crossings.n_events
    candidates, _ = reconstruct(propagate(crossings), n_events, rng)
    primary_vertex, n_vertices = find_vertices(candidates, n_events)
    kept = np.flatnonzero(~is_pileup(candidates, primary_vertex))
    used = FourMomenta(*(getattr(candidates, name)[kept] for name in ("event", "pt", "eta", "phi", "mass")))
    none = FourMomenta(np.zeros(0, dtype=np.int64), *np.zeros((4, 0)))
    jets = cluster(used, none, n_events, _RAW_PT_MIN, rng, RADIUS)

    pt_raw = np.hypot(jets.px, jets.py)
    eta, phi = np.arcsinh(jets.pz / pt_raw), np.arctan2(jets.py, jets.px)
    rho = pileup_density(used.event, used.pt, used.eta, used.phi, n_events)
    scale = correction(pt_raw, eta, jets.area, rho, jets.event)
    pt = pt_raw * scale
    mass = scale * np.sqrt(np.maximum(jets.energy**2 - pt_raw**2 - jets.pz**2, 0.0))
    selected = (pt > PT_RANGE[0]) & (pt < PT_RANGE[1]) & (np.abs(eta) < MAX_ABS_ETA)
    if wanted == "top":
        selected &= holds_top(jets.event, eta, phi, hadronic_tops(hard))
    chosen = _hardest_of_each_event(np.flatnonzero(selected), jets.event, pt)
    columns = {
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "mass": mass,
        "nConstituents": np.bincount(jets.constituent_jet, minlength=len(pt)),
        "area": jets.area,
        "n_pileup": n_pileup[jets.event],
        "n_vertices": n_vertices[jets.event],
    }
    found = FatJets(
        constituents=leading_constituents(jets, chosen, used),
        features=np.stack([columns[name][chosen] for name in FAT_JET_FEATURES], axis=1).astype(np.float32),
    )
    return found, np.bincount(jets.event[chosen], minlength=n_events) > 0


def holds_top(event: Array, eta: Array, phi: Array, tops: HadronicTops) -> Array:
    """Tell which jets (J,) have a top of their event and its three quarks within ΔR < 0.8 of their axis."""
    jet, top = np.nonzero(event[:, None] == tops.event)
    distance = np.hypot(tops.eta[top] - eta[jet, None], wrap_phi(tops.phi[top] - phi[jet, None]))
    held = np.zeros(len(event), dtype=bool)
    held[jet[(distance < RADIUS).all(axis=1)]] = True
    return held


def leading_constituents(jets: Jets, chosen: Array, particles: FourMomenta) -> Array:
    """Return pt, η and φ of the 100 hardest particles of the `chosen` jets, (N, 100, 3) float32, zero padded."""
    row = np.full(len(jets.event), -1)
    row[chosen] = np.arange(len(chosen))
    inside = row[jets.constituent_jet] >= 0
    jet, particle = row[jets.constituent_jet[inside]], jets.constituent[inside]
    order = np.lexsort((-particles.pt[particle], jet))
    jet, particle = jet[order], particle[order]
    per_jet = np.bincount(jet, minlength=len(chosen))
    rank = np.arange(len(jet)) - np.repeat(np.cumsum(per_jet) - per_jet, per_jet)
    shown = rank < N_CONSTITUENTS
    constituents = np.zeros((len(chosen), N_CONSTITUENTS, len(CONSTITUENT_FEATURES)), dtype=np.float32)
    values = [getattr(particles, name)[particle[shown]] for name in CONSTITUENT_FEATURES]
    constituents[jet[shown], rank[shown]] = np.stack(values, axis=1)
    return constituents


def _hardest_of_each_event(jets: Array, event: Array, pt: Array) -> Array:
    by_pt = jets[np.lexsort((-pt[jets], event[jets]))]
    first = np.diff(event[by_pt], prepend=-1) > 0
    chosen: Array = by_pt[first]
    return chosen
