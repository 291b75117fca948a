"""The 17 features of reconstructed jets, after pileup correction and the jet energy scale.

As in CMS (arXiv:1607.03663): first the offset of pileup is taken away, area by area, then the mean response of
the detector is undone. The response was measured in this simulation, as the median of reconstructed over true pT
of top-pair and dijet events (jets of visible particles, matched within ΔR < 0.2, 27 pileup collisions).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.core.schema import JET_FEATURES, N_JETS
from hepad.simulation.clustering import RANGE_EDGES, FourMomenta, cluster, pileup_density, pileup_offset
from hepad.simulation.flavour import flavour_origins, true_flavour
from hepad.simulation.particle_flow import Candidates, Kind
from hepad.simulation.pileup import Crossings
from hepad.simulation.records import Array
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


_PLATEAU: Final = 0.985
_LOSS_AT_30_GEV: Final = np.array([0.105, 0.085, 0.15, 0.045])
"""By range of |η|: neutral hadrons below threshold, and particles that bend out of the jet."""
_POWER: Final = 0.8
_TRUE_PT_MIN: Final = 30.0
"""Below, matched jets are a biased sample (the threshold keeps those that fluctuated upwards): R is held there."""


def response(pt: Array, eta: Array) -> Array:
    """Return the mean measured share of the true `pt` (J,) GeV of jets after pileup subtraction."""
    in_range = np.searchsorted(RANGE_EDGES, np.minimum(np.abs(eta), 4.99), side="right") - 1
    shape = (30 / np.maximum(pt, _TRUE_PT_MIN)) ** _POWER
    return _PLATEAU - _LOSS_AT_30_GEV[in_range] * shape


def correction(pt_raw: Array, eta: Array, area: Array, rho: Array, event: Array) -> Array:
    """Return the factor (J,) that takes jets of `pt_raw` GeV and `area` to the true scale; 0 for pure pileup.

    `rho` (E, 4) is the pileup density of each event, `event` (J,) the event of each jet.
    """
    share = np.maximum(1 - pileup_offset(rho, event, eta) * area / pt_raw, 0.0)
    measured = share * pt_raw
    true = measured / response(measured, eta)
    return share / response(true, eta)
