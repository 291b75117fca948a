"""Layouts of CMS NanoAOD and what is made of it."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from tests.layouts.plain import (
    N_EVENTS,
    Expected,
    counted_jets,
    in_slots,
    layout,
    random_jets,
)
from tests.layouts.trees import F4, identifiers, jagged, write_tree


def nanoaod(path: Path, seed: int, taggers: dict[str, str], met: str) -> Expected:
    """Write NanoAOD with the taggers of one version; `taggers` is name of a column → branch."""
    rng = np.random.default_rng(seed)
    plain = ["pt", "eta", "phi", "mass", "nConstituents", "nElectrons", "nMuons", "chHEF", "neHEF", "area"]
    names = [*plain, *taggers]
    jets = random_jets(rng, N_EVENTS, len(names))
    columns: dict[str, Any] = {taggers.get(name, f"Jet_{name}"): jagged(jets, i) for i, name in enumerate(names)}
    others = {
        "PV_npvs": rng.integers(1, 60, N_EVENTS).astype(np.int32),
        met: rng.exponential(40, N_EVENTS).astype(F4),
        "genWeight": rng.normal(size=N_EVENTS).astype(F4),
        "HLT_PFJet500": rng.random(N_EVENTS) < 0.4,
        **identifiers(rng),
    }
    write_tree(path, "Events", {**columns, **others})
    features = np.column_stack([others["PV_npvs"], counted_jets(jets), others[met]]).astype(F4)
    return {
        "jet_event_data": (in_slots(jets, 8), names),
        "event_features": (features, ["n_vertices", "n_jets", "ht", "met"]),
        **{name: (others[name], None) for name in ("run", "luminosityBlock", "event", "genWeight")},
    }


DEEP_CSV = {name: f"Jet_{name}" for name in ("btagDeepB", "btagDeepCvB", "btagDeepCvL")}
DEEP_JET = {f"btagDeepFlav{name}": f"Jet_btagDeepFlav{name}" for name in ("B", "CvB", "CvL", "QG")}
PARTICLE_NET = {f"btagPNet{name}": f"Jet_btagPNet{name}" for name in ("B", "CvB", "CvL", "QvG")}
UPART = {f"btagUParTAK4{name}": f"Jet_btagUParTAK4{name}" for name in ("B", "CvB", "CvL", "QvG")}


@layout("nanoaod", ".root")
def nanoaod_v9(path: Path, seed: int) -> Expected:
    expected = nanoaod(path, seed, {**DEEP_CSV, **DEEP_JET}, "MET_pt")
    table, names = expected["jet_event_data"]
    # The columns stand in the order of hepad.core.schema.JET_FEATURES, where `area` comes after DeepCSV.
    order = [*names[:9], *names[10:13], "area", *names[13:]]
    return {**expected, "jet_event_data": (table[..., [names.index(name) for name in order]], order)}


@layout("nanoaod_particlenet", ".root", recognised=False)
def nanoaod_v12(path: Path, seed: int) -> Expected:
    return nanoaod(path, seed, PARTICLE_NET, "PuppiMET_pt")


@layout("nanoaod_upart", ".root", recognised=False)
def nanoaod_v15(path: Path, seed: int) -> Expected:
    return nanoaod(path, seed, UPART, "PFMET_pt")


@layout("nanoaod_fatjets", ".root", recognised=False)
def nanoaod_fatjets(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    names = ["pt", "eta", "phi", "mass", "msoftdrop", "nConstituents", "tau1", "tau2", "tau3", "tau4"]
    jets = random_jets(rng, N_EVENTS, len(names), mean=2.5)
    others = {"PV_npvs": np.ones(N_EVENTS, np.int32), "MET_pt": np.ones(N_EVENTS, F4), **identifiers(rng)}
    ak4 = {f"Jet_{name}": jagged(jets, i) for i, name in enumerate(("pt", "eta", "phi", "mass"))}
    write_tree(path, "Events", {**{f"FatJet_{name}": jagged(jets, i) for i, name in enumerate(names)}, **ak4, **others})
    wide = [[[*jet, jet[7] / (1e-5 + jet[6]), jet[8] / (1e-5 + jet[7])] for jet in event] for event in jets]
    features = []
    for event, (n_jets, ht) in zip(jets, counted_jets(jets).tolist(), strict=True):
        two = sorted(event, key=lambda jet: -jet[0])[:2]
        pair = [0.0, 0.0, 0.0]
        if len(two) == 2:
            total = [0.0] * 4
            for pt, eta, phi, mass, *_ in two:
                px, py, pz = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
                parts = (px, py, pz, math.sqrt(px**2 + py**2 + pz**2 + mass**2))
                total = [a + b for a, b in zip(total, parts, strict=True)]
            m_jj = math.sqrt(total[3] ** 2 - total[0] ** 2 - total[1] ** 2 - total[2] ** 2)
            pair = [m_jj, abs(two[0][3] - two[1][3]), abs(two[0][1] - two[1][1])]
        features.append([1, n_jets, ht, 1, *pair])
    return {
        "jet_event_data": (in_slots(wide, 2), [*names, "tau21", "tau32"]),
        "event_features": (
            np.array(features, dtype=F4),
            ["n_vertices", "n_jets", "ht", "met", "m_jj", "delta_m", "delta_eta"],
        ),
        **{name: (others[name], None) for name in ("run", "luminosityBlock", "event")},
    }


@layout("pfnano", ".root")
def pfnano(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    names = ["pt", "eta", "phi", "mass", "msoftdrop", "tau1", "tau2", "tau3"]
    jets = random_jets(rng, N_EVENTS, len(names), mean=1.5)
    candidates = random_jets(rng, N_EVENTS, 4, mean=25)
    links = []
    for event, found in zip(jets, candidates, strict=True):
        # A candidate may lie in two jets, in none, or be that of a jet that was not kept.
        pairs = [(j, int(rng.integers(len(found)))) for j in range(len(event)) for _ in range(4) if found]
        order = rng.permutation(len(pairs))
        links.append([list(map(float, pairs[i])) for i in order] + ([[-1.0, 0.0]] if found else []))
    others = {"PV_npvs": rng.integers(1, 60, N_EVENTS).astype(np.int32), **identifiers(rng)}
    columns: dict[str, Any] = {f"FatJet_{name}": jagged(jets, i) for i, name in enumerate(names)}
    columns |= {f"PFCands_{name}": jagged(candidates, i) for i, name in enumerate(("pt", "eta", "phi", "mass"))}
    columns["FatJetPFCands_jetIdx"] = jagged(links, 0, np.int32)
    columns["FatJetPFCands_pFCandsIdx"] = jagged(links, 1, np.int32)
    write_tree(path, "Events", {**columns, **others})
    inside, features, rows = [], [], []
    for row, event in enumerate(jets):
        for number, (pt, eta, phi, mass, groomed, tau1, tau2, tau3) in enumerate(event):
            inside.append([candidates[row][int(c)][:3] for jet, c in links[row] if jet == number])
            ratios = [tau2 / (1e-5 + tau1), tau3 / (1e-5 + tau2)]
            features.append([pt, eta, phi, mass, groomed, *ratios, others["PV_npvs"][row]])
            rows.append(row)
    return {
        "jet_constituents": (in_slots(inside, 100), ["pt", "eta", "phi"]),
        "jet_features": (
            np.array(features, dtype=F4),
            ["pt", "eta", "phi", "mass", "msoftdrop", "tau21", "tau32", "n_vertices"],
        ),
        **{name: (others[name][rows], None) for name in ("run", "luminosityBlock", "event")},
    }


@layout("scouting_nanoaod", ".root")
def scouting(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    energies = [f"{kind}Energy" for kind in ("chargedHadron", "neutralHadron", "photon", "electron", "muon")]
    names = ["pt", "eta", "phi", "mass", "area", "nConstituents", *energies]
    jets = random_jets(rng, N_EVENTS, len(names))
    branches = {"mass": "m", "area": "jetArea"}
    columns = {f"ScoutingPFJet_{branches.get(name, name)}": jagged(jets, i) for i, name in enumerate(names)}
    others = {"ScoutingMET_pt": rng.exponential(40, N_EVENTS).astype(F4), **identifiers(rng)}
    vertices = random_jets(rng, N_EVENTS, 4, mean=8)
    write_tree(path, "Events", {**columns, **others, "ScoutingPrimaryVertex_z": jagged(vertices, 0)})
    n_vertices = [len(found) for found in vertices]
    features = np.column_stack([n_vertices, counted_jets(jets), others["ScoutingMET_pt"]]).astype(F4)
    return {
        "jet_event_data": (in_slots(jets, 8), names),
        "event_features": (features, ["n_vertices", "n_jets", "ht", "met"]),
        **{name: (others[name], None) for name in ("run", "luminosityBlock", "event")},
    }
