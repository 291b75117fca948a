"""Layouts of ROOT files."""

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from tests.layouts.plain import (
    N_EVENTS,
    Expected,
    counted_jets,
    cylindrical,
    in_slots,
    layout,
    random_jets,
)

F4 = np.float32


def jagged(events: list[list[list[float]]], column: int, dtype: Any = F4) -> ak.Array:
    """One column of all objects, as uproot writes it."""
    counts = [len(objects) for objects in events]
    values = np.array([values[column] for objects in events for values in objects], dtype=dtype)
    return ak.unflatten(values, counts)


def write_tree(path: Path, tree: str, columns: dict[str, Any]) -> None:
    """Write a tree; the counters of jagged columns are uproot's."""
    types = {
        name: ak.type(array).content if isinstance(array, ak.Array) else array.dtype for name, array in columns.items()
    }
    with uproot.recreate(path) as root:
        written = root.mktree(tree, types)
        written.extend(columns)


def identifiers(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "run": np.full(N_EVENTS, 320_000, dtype=np.uint32),
        "luminosityBlock": rng.integers(1, 9, N_EVENTS).astype(np.uint32),
        "event": rng.integers(0, 2**40, N_EVENTS).astype(np.uint64),
    }


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


@layout("physlite", ".root")
def physlite(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    jets = random_jets(rng, N_EVENTS, 5)
    branches = ("pt", "eta", "phi", "m", "Jvt")
    in_mev = [[[1000 * jet[0], jet[1], jet[2], 1000 * jet[3], jet[4]] for jet in event] for event in jets]
    columns: dict[str, Any] = {f"AnalysisJetsAuxDyn.{name}": jagged(in_mev, i) for i, name in enumerate(branches)}
    terms = random_jets(rng, N_EVENTS, 4, mean=3)
    columns |= {f"MET_Core_AnalysisMETAuxDyn.mp{axis}": jagged(terms, i) for i, axis in enumerate("xy")}
    numbers = {
        "EventInfoAuxDyn.runNumber": np.full(N_EVENTS, 410_470, np.uint32),
        "EventInfoAuxDyn.lumiBlock": np.arange(N_EVENTS, dtype=np.uint32),
        "EventInfoAuxDyn.eventNumber": rng.integers(0, 2**40, N_EVENTS).astype(np.uint64),
    }
    weights = [[[float(F4(rng.normal()))], [2.0]] for _ in range(N_EVENTS)]
    columns["EventInfoAuxDyn.mcEventWeights"] = jagged(weights, 0)
    write_tree(path, "CollectionTree", {**columns, **numbers})
    in_gev = [[[F4(jet[0]) / 1000, jet[1], jet[2], F4(jet[3]) / 1000, jet[4]] for jet in event] for event in in_mev]
    met = [math.hypot(*found[-1][:2]) / 1000 if found else 0.0 for found in terms]
    return {
        "jet_event_data": (in_slots(in_gev, 8), ["pt", "eta", "phi", "mass", "jvt"]),
        "event_features": (np.column_stack([counted_jets(in_gev), met]).astype(F4), ["n_jets", "ht", "met"]),
        "run": (numbers["EventInfoAuxDyn.runNumber"], None),
        "luminosityBlock": (numbers["EventInfoAuxDyn.lumiBlock"], None),
        "event": (numbers["EventInfoAuxDyn.eventNumber"], None),
        "genWeight": (np.array([event[0][0] for event in weights], dtype=F4), None),
    }


@layout("treemaker", ".root")
def treemaker(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    jets = random_jets(rng, N_EVENTS, 6)
    energies = [[[math.hypot(pt * math.cosh(eta), mass)] for pt, eta, _, mass, *_ in event] for event in jets]
    columns: dict[str, Any] = {
        f"Jets.fCoordinates.f{name}": jagged(jets, i, np.float64) for i, name in enumerate(("Pt", "Eta", "Phi"))
    }
    columns["Jets.fCoordinates.fE"] = jagged(energies, 0, np.float64)
    columns["Jets_multiplicity"] = jagged(jets, 4, np.int32)
    columns["Jets_qgLikelihood"] = jagged(jets, 5, np.float64)
    others = {
        "NVtx": rng.integers(1, 60, N_EVENTS).astype(np.int32),
        "MET": rng.exponential(40, N_EVENTS),
        "RunNum": np.full(N_EVENTS, 1, np.uint32),
        "LumiBlockNum": np.arange(N_EVENTS, dtype=np.uint32),
        "EvtNum": np.arange(N_EVENTS, dtype=np.uint64) + 7,
        "Weight": rng.random(N_EVENTS),
    }
    write_tree(path, "PreSelection", {**columns, **others})
    features = np.column_stack([others["NVtx"], counted_jets(jets), others["MET"]]).astype(F4)
    rows = {"run": "RunNum", "luminosityBlock": "LumiBlockNum", "event": "EvtNum", "genWeight": "Weight"}
    return {
        "jet_event_data": (in_slots(jets, 8), ["pt", "eta", "phi", "mass", "nConstituents", "qg"]),
        "event_features": (features, ["n_vertices", "n_jets", "ht", "met"]),
        **{name: (others[branch], None) for name, branch in rows.items()},
    }


@layout("delphes", ".root")
def delphes(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    branches = ("PT", "Eta", "Phi", "Mass", "BTag")
    jets, leptons = random_jets(rng, N_EVENTS, 5), random_jets(rng, N_EVENTS, 4, mean=1)
    met = [[[float(F4(rng.exponential(40)))]] for _ in range(N_EVENTS)]
    columns = {f"Jet.{name}": jagged(jets, i) for i, name in enumerate(branches)}
    columns |= {"Electron.PT": jagged(leptons, 0), "MissingET.MET": jagged(met, 0), "Event.Weight": jagged(met, 0)}
    write_tree(path, "Delphes", columns)
    n_electrons = [len(event) for event in leptons]
    features = np.column_stack([counted_jets(jets), [event[0][0] for event in met], n_electrons]).astype(F4)
    return {
        "jet_event_data": (in_slots(jets, 8), ["pt", "eta", "phi", "mass", "btag"]),
        "event_features": (features, ["n_jets", "ht", "met", "n_electrons"]),
        "genWeight": (np.array([event[0][0] for event in met], dtype=F4), None),
    }


@layout("edm4hep", ".root")
def edm4hep(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    names = ("momentum.x", "momentum.y", "momentum.z", "energy", "charge")
    events = [
        [[*map(float, F4(rng.normal(0, 10, 3))), float(F4(rng.exponential(20))), 1.0] for _ in range(rng.poisson(30))]
        for _ in range(N_EVENTS)
    ]
    columns = {f"ReconstructedParticles.{name}": jagged(events, i) for i, name in enumerate(names)}
    columns["EventHeader.eventNumber"] = ak.unflatten(np.arange(N_EVENTS, dtype=np.int32), 1)
    write_tree(path, "events", columns)
    made = [[[*cylindrical(*particle[:3]), *particle[3:]] for particle in event] for event in events]
    features = [
        [len(event), sum(p[3] for p in event), math.hypot(sum(p[0] for p in event), sum(p[1] for p in event))]
        for event in events
    ]
    return {
        "jet_event_data": (in_slots(made, 32, key=3), ["pt", "eta", "phi", "energy", "charge"]),
        "event_features": (np.array(features, dtype=F4), ["n_particles", "visible_energy", "missing_pt"]),
        "event": (np.arange(N_EVENTS), None),
    }


@layout("jetclass", ".root")
def jetclass(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    jets = [
        [[*map(float, F4(rng.normal(0, 10, 3))), float(F4(rng.exponential(20))), -1.0] for _ in range(rng.poisson(40))]
        for _ in range(N_EVENTS)
    ]
    columns: dict[str, Any] = {
        f"part_{n}": jagged(jets, i) for i, n in enumerate(("px", "py", "pz", "energy", "charge"))
    }
    names = ("pt", "eta", "phi", "energy", "nparticles", "sdmass", "tau1", "tau2", "tau3", "tau4")
    values = rng.random((N_EVENTS, len(names))).astype(F4)
    is_qcd = rng.random(N_EVENTS) < 0.5
    numbers = {f"jet_{name}": values[:, i] for i, name in enumerate(names)}
    write_tree(
        path, "tree", {**columns, **numbers, "label_QCD": is_qcd.astype(F4), "label_Tbqq": (~is_qcd).astype(np.int32)}
    )
    made = [[[*cylindrical(*particle[:3]), *particle[3:]] for particle in jet] for jet in jets]
    ratios = [[row[7] / (1e-5 + row[6]), row[8] / (1e-5 + row[7])] for row in values.tolist()]
    renamed = {"nparticles": "nConstituents", "sdmass": "msoftdrop"}
    return {
        "jet_constituents": (in_slots(made, 128), ["pt", "eta", "phi", "energy", "charge"]),
        "jet_features": (
            np.column_stack([values, ratios]).astype(F4),
            [*(renamed.get(name, name) for name in names), "tau21", "tau32"],
        ),
        "label": ([int(not qcd) for qcd in is_qcd], None),
    }
