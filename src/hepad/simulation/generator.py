"""Pythia 8 events, reduced to what the detector sees and to the true origin of jets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.core.errors import UserError
from hepad.simulation.pileup import B_HADRON, C_HADRON, GLUON, Collisions
from hepad.simulation.records import Array
from hepad.simulation.species import CHARGE, UNKNOWN, species_of

BEAM_SETTINGS: Final = (
    "Beams:eCM = 13000",
    # What flies further than this on average is left to the detector: K0S, Λ and other strange baryons.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10",
)
MINIMUM_BIAS_SETTINGS: Final = ("SoftQCD:inelastic = on",)

_WRITE_TABLES: Final = 1
_READ_TABLES: Final = 2
"""Values of Pythia's MultipartonInteractions:reuseInit."""

MAX_ABS_ETA: Final = 5.2
MIN_PT_CHARGED: Final = 0.1
MIN_PT_NEUTRAL: Final = 0.05
MIN_PT_PARTON: Final = 3.0
"""Threshold in GeV: what is softer makes neither a track nor a tower, nor the flavour of a jet, and is not kept."""


def make_pythia(settings: Sequence[str], seed: int, tables: Path | None = None) -> Any:
    """Return an initialised `pythia8mc.Pythia` for 13 TeV proton collisions.

    A fresh one per chunk of events: the maxima that Pythia adapts while it runs would otherwise make events
    depend on those before them. `tables`, for minimum bias only, is a file of `write_minimum_bias_tables`.
    """
    return _initialised(settings, seed, tables, _READ_TABLES)


def write_minimum_bias_tables(path: Path) -> None:
    """Write what Pythia integrates before the first minimum-bias collision, so that each chunk can read it.

    The several parton interactions of protons and of all masses of diffractive systems take five seconds, as long as
    2500 collisions. The file does not depend on the seed of the collisions.
    """
    _initialised(MINIMUM_BIAS_SETTINGS, 1, path, _WRITE_TABLES)


def _initialised(settings: Sequence[str], seed: int, tables: Path | None, mode: int) -> Any:
    pythia8mc = import_simulation_package("pythia8mc")
    pythia = pythia8mc.Pythia("", False)
    if tables is not None:
        pythia.settings.mode("MultipartonInteractions:reuseInit", mode)
        pythia.settings.word("MultipartonInteractions:initFile", str(tables))
    for setting in (
        "Print:quiet = on",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        *BEAM_SETTINGS,
        *settings,
    ):
        if not pythia.readString(setting):
            raise ValueError(f"Pythia does not know the setting {setting!r}")
    if not pythia.init():
        raise RuntimeError(f"Pythia could not be initialised with {', '.join(settings)}")
    return pythia


def import_simulation_package(name: str) -> Any:
    """Import an optional package, or say how to install it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f'simulation needs the package {name}: install it with pip install "hepad[simulation]"'
        ) from error


@dataclass(frozen=True)
class EventRecord:
    """Everything that Pythia tells of E events: all particles (P,), also those that decayed, event after event.

    `counts` (E,) is the number of particles of each event, `mother` the place of the first mother in its event; pt in
    GeV, phi in rad.
    """

    counts: Array
    pdg: Array
    status: Array
    mother: Array
    pt: Array
    eta: Array
    phi: Array


def generate_records(pythia: Any, n_events: int) -> EventRecord:
    """Generate `n_events` collisions with their whole history."""
    if not n_events:
        # A batch of none has no columns.
        none, numbers = np.empty(0, np.int64), np.empty(0)
        return EventRecord(none, none, none, none, pt=numbers, eta=numbers, phi=numbers)
    events = pythia.nextBatch(n_events)
    if len(events) != n_events:
        raise RuntimeError(f"Pythia made {len(events)} of {n_events} events")
    counts, record = _flatten(events.prt)
    px, py, pz = record["px"], record["py"], record["pz"]
    pt = np.hypot(px, py)
    # The two beams have pT = 0: η is put far outside the detector.
    eta = np.arcsinh(np.divide(pz, pt, out=np.full_like(pz, 1e6), where=pt > 1e-6))
    return EventRecord(
        counts, record["id"], record["status"], record["mother1"], pt=pt, eta=eta, phi=np.arctan2(py, px)
    )


def generate(pythia: Any, n_events: int) -> Collisions:
    """Generate `n_events` collisions."""
    return reduce_records(generate_records(pythia, n_events))


def reduce_records(record: EventRecord) -> Collisions:
    """Return what the detector sees of events, and the true origins of jets."""
    pdg, pt, eta, phi = record.pdg, record.pt, record.eta, record.phi
    n_events = len(record.counts)
    event = np.repeat(np.arange(n_events), record.counts)
    inside = np.abs(eta) < MAX_ABS_ETA
    species = species_of(pdg)
    charged = CHARGE[np.where(species == UNKNOWN, 0, species)] != 0
    visible = (
        (record.status > 0) & inside & (species != UNKNOWN) & (pt > np.where(charged, MIN_PT_CHARGED, MIN_PT_NEUTRAL))
    )
    label = _origin_labels(pdg, record.status, record.mother, record.counts)
    origin = (label > 0) & inside & ((label >= C_HADRON) | (pt > MIN_PT_PARTON))
    return Collisions(
        n_particles=np.bincount(event[visible], minlength=n_events),
        pt=pt[visible].astype(np.float32),
        eta=eta[visible].astype(np.float32),
        phi=phi[visible].astype(np.float32),
        species=species[visible],
        n_origins=np.bincount(event[origin], minlength=n_events),
        origin_pt=pt[origin].astype(np.float32),
        origin_eta=eta[origin].astype(np.float32),
        origin_phi=phi[origin].astype(np.float32),
        origin_label=label[origin],
    )


def _flatten(particles: Any) -> tuple[Array, dict[str, Array]]:
    ak = import_simulation_package("awkward")
    flat = ak.flatten(particles)
    record = {name: ak.to_numpy(flat[name]) for name in ("id", "status", "mother1")}
    record |= {name: ak.to_numpy(flat["p", name]) for name in ("px", "py", "pz")}
    return ak.to_numpy(ak.num(particles)), record


def _origin_labels(pdg: Array, status: Array, mother: Array, counts: Array) -> Array:
    """Label what decides the flavour of a jet: last b and c hadrons, and partons that hadronise. (N,) uint8.

    A hadron is the last of its flavour when it is nobody's mother of the same flavour; Pythia 8 gives the
    partons that enter hadronisation the status 71 to 79.
    """
    kind = np.abs(pdg)
    label = np.zeros(len(pdg), dtype=np.uint8)
    parton = (np.abs(status) >= 71) & (np.abs(status) <= 79) & ((kind <= 5) | (kind == GLUON))
    label[parton] = kind[parton]
    first = np.repeat(np.cumsum(counts) - counts, counts)
    for flavour, name in ((4, C_HADRON), (5, B_HADRON)):
        hadron = (kind > 100) & (((kind // 100) % 10 == flavour) | ((kind // 1000) % 10 == flavour))
        has_same_flavour_child = np.zeros(len(pdg), dtype=bool)
        has_same_flavour_child[(first + mother)[hadron]] = True
        label[hadron & ~has_same_flavour_child] = name
    return label


def generation_settings() -> list[str]:
    """Return all that decides what is kept of which minimum-bias collisions, for a fingerprint."""
    cuts = f"{MAX_ABS_ETA} {MIN_PT_CHARGED} {MIN_PT_NEUTRAL} {MIN_PT_PARTON}"
    return [*BEAM_SETTINGS, *MINIMUM_BIAS_SETTINGS, cuts]
