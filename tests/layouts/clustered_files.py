"""Raw files of the LHC Olympics as tables of jets: clustered by hand, event by event."""

import math
from pathlib import Path

import awkward as ak
import fastjet
import numpy as np

from tests.layouts.hdf5_files import pandas_fixed
from tests.layouts.jet_finding import P4, added, anti_kt, mass_of, p4, pt_of, soft_drop
from tests.layouts.plain import N_EVENTS, Expected, layout, turn

NAMES = ["m_jj", "m_j1", "m_j2", "delta_m", "tau21_j1", "tau21_j2", "tau32_j1", "tau32_j2", "delta_eta"]
NAMES += ["pt_j1", "pt_j2"]
MORE = ["m_soft_drop_j1", "m_soft_drop_j2", *(f"tau{n}_j{jet}" for jet in (1, 2) for n in (1, 2, 3))]
MORE += ["n_constituents_j1", "n_constituents_j2", "met", "ht"]


def particles_of(rng: np.random.Generator, row: int) -> np.ndarray:
    """Return a few particles (pt, eta, phi) about two axes that are back to back, in no order; or one, or none."""
    eta, phi = float(rng.normal()), float(rng.uniform(-3, 3))
    n = {2: 0, 5: 1}.get(row, int(rng.integers(4, 13)))
    side = np.arange(n) % 2
    pt = 1 + rng.exponential(300, n)
    phi_of = phi + side * math.pi + rng.normal(0, 0.3, n)
    return np.column_stack([pt, np.where(side, -eta, eta) + rng.normal(0, 0.3, n), phi_of])


def tau_one_by_one(momenta: list[P4]) -> list[float]:
    """Return FastJet's τ of this jet alone; tests/unit/formats/test_jet_substructure.py has them by brute force."""
    record = ak.Array([[dict(zip(("px", "py", "pz", "E"), p, strict=True)) for p in momenta]])
    sequence = fastjet.ClusterSequence(record, fastjet.JetDefinition(fastjet.kt_algorithm, 1.0))
    return list(ak.to_list(sequence.njettiness(njets=[1, 2, 3], beta=1.0, R0=1.0)[0]))


def jets_by_hand(path: Path, seed: int, with_truth: bool, more: bool) -> Expected:
    rng = np.random.default_rng(seed)
    raw = np.zeros((N_EVENTS, 2101 if with_truth else 2100))
    label = rng.integers(0, 2, N_EVENTS)
    made = []
    for row in range(N_EVENTS):
        particles = particles_of(rng, row)
        raw[row, : particles.size] = particles.ravel()
        momenta = [p4(*one) for one in particles.tolist()]
        jets = [[momenta[i] for i in members] for members in anti_kt(momenta, 1.0)]
        jets = [*[jet for jet in jets if pt_of(added(*jet)) > 20][:2], [], []][:2]
        heavy, light = sorted(jets, key=lambda jet: -mass_of(added(*jet)) if jet else 0.0)
        whole = [added(*jet) if jet else (0.0,) * 4 for jet in (heavy, light)]
        tau = [tau_one_by_one(jet) if jet else [0.0] * 3 for jet in (heavy, light)]
        eta = [math.asinh(p[2] / pt_of(p)) if pt_of(p) else 0.0 for p in whole]
        masses = [mass_of(p) for p in whole]
        ratios = [t[top] / (1e-5 + t[top - 1]) for top in (1, 2) for t in tau]
        m_jj = mass_of(added(*whole))
        values = [m_jj, *masses, masses[0] - masses[1], *ratios, abs(eta[0] - eta[1]), *map(pt_of, whole)]
        if more:
            values += [soft_drop(jet, 0.1, 0.0, 1.0) if jet else 0.0 for jet in (heavy, light)]
            values += [*tau[0], *tau[1], len(heavy), len(light), pt_of(added((0.0,) * 4, *momenta))]
            values.append(sum(pt for pt, eta, _ in particles.tolist() if abs(eta) < 2.5))
        made.append([*values, math.hypot(eta[0] - eta[1], turn(*(math.atan2(p[1], p[0]) for p in whole)))])
    if with_truth:
        raw[:, 2100] = label
    pandas_fixed(path, raw, None)
    table = np.array(made, dtype=np.float32)
    return {
        "table": (table, [*NAMES, *(MORE if more else ()), "delta_r"]),
        **({"label": (label, None)} if with_truth else {}),
    }


@layout("lhco_jets", ".h5", recognised=False)
def lhco_jets(path: Path, seed: int) -> Expected:
    return jets_by_hand(path, seed, with_truth=True, more=False)


@layout("lhco_jets_blackbox", ".h5", recognised=False)
def lhco_jets_blackbox(path: Path, seed: int) -> Expected:
    return jets_by_hand(path, seed, with_truth=False, more=False)


@layout("lhco_substructure", ".h5", recognised=False)
def lhco_substructure(path: Path, seed: int) -> Expected:
    return jets_by_hand(path, seed, with_truth=True, more=True)
