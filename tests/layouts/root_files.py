"""Layouts of other ROOT files."""

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from tests.layouts.plain import (
    N_EVENTS,
    Expected,
    counted_jets,
    cylindrical,
    in_slots,
    layout,
    random_jets,
)
from tests.layouts.trees import F4, jagged, write_tree


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
