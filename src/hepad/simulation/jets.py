"""The 17 features of reconstructed jets, after pileup correction."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.core.schema import JET_FEATURES, N_JETS
from hepad.simulation.arrays import Array
from hepad.simulation.clustering import FourMomenta, cluster
from hepad.simulation.density import pileup_density
from hepad.simulation.flavour import flavour_origins, true_flavour
from hepad.simulation.jet_energy import correction
from hepad.simulation.particle_flow import Candidates, Kind
from hepad.simulation.pileup import Crossings
from hepad.simulation.taggers import draw_scores

PT_MIN: Final = 15.0
MAX_ABS_ETA: Final = 4.7
_RAW_PT_MIN: Final = 12.0
ELECTRON_PT_MIN: Final = 5.0
MUON_PT_MIN: Final = 3.0
"""Softer leptons (GeV) are not counted in nElectrons and nMuons, as in NanoAOD's collections."""


@dataclass(frozen=True)
class JetTable:
    """All selected jets (J,) of a batch, by event and falling pT: features (J, 17) float32 and what is true of them."""

    event: Array
    features: Array
    flavour: Array
    parton: Array

    def column(self, name: str) -> Array:
        """Return one feature (J,)."""
        values: Array = self.features[:, JET_FEATURES.index(name)]
        return values


def reconstruct_jets(
    candidates: Candidates,
    removed: Array,
    crossings: Crossings,
    rng: np.random.Generator,
) -> JetTable:
    """Cluster the candidates that are not `removed` (N,) and return the jets with pT > 15 GeV and |η| < 4.7."""
    n_events = crossings.n_events
    kept = np.flatnonzero(~removed)
    used = FourMomenta(*(getattr(candidates, name)[kept] for name in ("event", "pt", "eta", "phi", "mass")))
    kind = candidates.kind[kept]
    origins = flavour_origins(crossings)
    found = cluster(used, origins.momenta, n_events, _RAW_PT_MIN, rng)
    n_jets = len(found.event)

    pt_raw = np.hypot(found.px, found.py)
    eta = np.arcsinh(found.pz / pt_raw)
    rho = pileup_density(used.event, used.pt, used.eta, used.phi, n_events)
    scale = correction(pt_raw, eta, found.area, rho, found.event)
    momentum2 = pt_raw**2 + found.pz**2
    mass_raw = np.sqrt(np.maximum(found.energy**2 - momentum2, 0.0))

    member_kind = kind[found.constituent]
    member_pt = used.pt[found.constituent]
    member_energy = np.hypot(member_pt * np.cosh(used.eta[found.constituent]), used.mass[found.constituent])

    def count(where: Array) -> Array:
        return np.bincount(found.constituent_jet[where], minlength=n_jets)

    def energy_share(where: Array) -> Array:
        return np.bincount(found.constituent_jet[where], member_energy[where], n_jets) / found.energy

    charged = member_kind <= Kind.MUON
    flavour, parton = true_flavour(found, origins, crossings)
    pt = pt_raw * scale
    scores = draw_scores(flavour, parton, pt, eta, count(charged & (member_pt > 1.0)), rng)
    columns = {
        "pt": pt,
        "eta": eta,
        "phi": np.arctan2(found.py, found.px),
        "mass": mass_raw * scale,
        "nConstituents": count(np.ones(len(member_pt), dtype=bool)),
        "nElectrons": count((member_kind == Kind.ELECTRON) & (member_pt > ELECTRON_PT_MIN)),
        "nMuons": count((member_kind == Kind.MUON) & (member_pt > MUON_PT_MIN)),
        "chHEF": energy_share(member_kind == Kind.CHARGED_HADRON),
        "neHEF": energy_share(member_kind == Kind.NEUTRAL_HADRON),
        "area": found.area,
        "btagDeepB": scores.deep_b,
        "btagDeepCvB": scores.deep_cvb,
        "btagDeepCvL": scores.deep_cvl,
        "btagDeepFlavB": scores.flav_b,
        "btagDeepFlavCvB": scores.flav_cvb,
        "btagDeepFlavCvL": scores.flav_cvl,
        "btagDeepFlavQG": scores.flav_qg,
    }
    selected = np.flatnonzero((pt > PT_MIN) & (np.abs(eta) < MAX_ABS_ETA))
    order = selected[np.lexsort((-pt[selected], found.event[selected]))]
    features = np.stack([columns[name] for name in JET_FEATURES], axis=1).astype(np.float32)
    return JetTable(found.event[order], features[order], flavour[order], parton[order])


def leading_jets(jets: JetTable, n_events: int) -> tuple[Array, Array]:
    """Return the 8 leading jets of each event: features (E, 8, 17) float32, zero padded, and flavour (E, 8) int8.

    The hadron flavour of an empty slot is −1.
    """
    per_event = np.bincount(jets.event, minlength=n_events)
    rank = np.arange(len(jets.event)) - np.repeat(np.cumsum(per_event) - per_event, per_event)
    kept = rank < N_JETS
    slot = jets.event[kept], rank[kept]
    features = np.zeros((n_events, N_JETS, len(JET_FEATURES)), dtype=np.float32)
    features[slot] = jets.features[kept]
    flavour = np.full((n_events, N_JETS), -1, dtype=np.int8)
    flavour[slot] = jets.flavour[kept]
    return features, flavour
