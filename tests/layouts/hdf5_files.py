"""Layouts of HDF5 files, as PyTables, pandas and h5py wrote them."""

import math
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from tests.layouts.plain import N_EVENTS, Expected, cylindrical, in_slots, layout, turn

F4 = np.float32
PICKLED = np.void(b"\x80\x04cposix\nsystem\n(S'touch /tmp/owned'\ntR.")
"""What PyTables keeps in attributes is a pickle; this one would run a command."""


def pandas_fixed(path: Path, table: np.ndarray, names: list[str] | None) -> None:
    """Write a table as pandas' `to_hdf` does by default: blocks, and their items as fixed-length text or integers."""
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = np.bytes_(b"frame")
        group.attrs["nblocks"] = 1
        group.attrs["TITLE"] = PICKLED
        items = np.arange(table.shape[1]) if names is None else np.array([name.encode() for name in names])
        group["axis0"], group["axis1"], group["block0_items"] = items, np.arange(len(table)), items
        group.create_dataset("block0_values", data=table, chunks=(16, table.shape[1]), **hdf5plugin.Blosc())
        group["block0_values"].attrs["transposed"] = PICKLED


def particles_of(rng: np.random.Generator) -> list[list[list[float]]]:
    events = []
    for row in range(N_EVENTS):
        n_particles = 260 if row == 1 else int(rng.integers(3, 60))
        events.append([[float(1 + rng.exponential(20)), *rng.uniform(-3, 3, 2).tolist()] for _ in range(n_particles)])
    return events


def lhco_files(path: Path, seed: int, with_truth: bool) -> Expected:
    rng = np.random.default_rng(seed)
    events = particles_of(rng)
    table = np.zeros((N_EVENTS, 2101 if with_truth else 2100))
    for row, particles in enumerate(events):
        table[row, : 3 * len(particles)] = np.array(particles).ravel()
    label = rng.integers(0, 2, N_EVENTS)
    if with_truth:
        table[:, 2100] = label
    pandas_fixed(path, table, None)
    features = [
        [
            len(particles),
            sum(pt for pt, *_ in particles),
            math.hypot(
                sum(pt * math.cos(phi) for pt, _, phi in particles), sum(pt * math.sin(phi) for pt, _, phi in particles)
            ),
        ]
        for particles in events
    ]
    return {
        "jet_event_data": (in_slots(events, 200), ["pt", "eta", "phi"]),
        "event_features": (np.array(features, dtype=F4), ["n_particles", "sum_pt_all", "missing_pt"]),
        **({"label": (label, None)} if with_truth else {}),
    }


@layout("lhco", ".h5")
def lhco(path: Path, seed: int) -> Expected:
    return lhco_files(path, seed, with_truth=True)


@layout("lhco_blackbox", ".h5")
def lhco_blackbox(path: Path, seed: int) -> Expected:
    return lhco_files(path, seed, with_truth=False)


@layout("lhco_features", ".h5")
def lhco_features(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    names = [f"{what}j{jet}" for jet in (1, 2) for what in ("px", "py", "pz", "m", "tau1", "tau2", "tau3")]
    table = np.column_stack([rng.normal(0, 1500, (N_EVENTS, 14)), rng.integers(0, 2, N_EVENTS)])
    for column, name in enumerate(names):
        if name[0] in "mt":
            table[:, column] = np.abs(table[:, column])
    pandas_fixed(path, table, [*names, "label"])
    made = []
    for row in table:
        jets = []
        for jet in (row[:7], row[7:14]):
            px, py, pz, mass, tau1, tau2, tau3 = jet.tolist()
            pt, eta, phi = cylindrical(px, py, pz)
            energy = math.sqrt(px**2 + py**2 + pz**2 + mass**2)
            jets.append((mass, pt, eta, tau2 / (1e-5 + tau1), tau3 / (1e-5 + tau2), (energy, px, py, pz), phi))
        total = [a + b for a, b in zip(jets[0][5], jets[1][5], strict=True)]
        m_jj = math.sqrt(total[0] ** 2 - sum(p**2 for p in total[1:]))
        heavy, light = sorted(jets, key=lambda jet: -jet[0])
        ratios = [heavy[3], light[3], heavy[4], light[4]]
        delta_eta = heavy[2] - light[2]
        delta_r = math.hypot(delta_eta, turn(heavy[6], light[6]))
        masses = [m_jj, heavy[0], light[0], heavy[0] - light[0]]
        made.append([*masses, *ratios, abs(delta_eta), heavy[1], light[1], delta_r])
    columns = ["m_jj", "m_j1", "m_j2", "delta_m", "tau21_j1", "tau21_j2", "tau32_j1", "tau32_j2", "delta_eta"]
    return {"table": (np.array(made, dtype=F4), [*columns, "pt_j1", "pt_j2", "delta_r"]), "label": (table[:, 14], None)}


@layout("top_tagging", ".h5")
def top_tagging(path: Path, seed: int) -> Expected:
    """Records, as PyTables writes them: their names in pickled attributes, which nobody may look at."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype([("index", "<i8"), ("values_block_0", "<f4", (804,)), ("values_block_1", "<i8", (2,))])
    rows = np.zeros(N_EVENTS, dtype)
    jets = []
    for row in range(N_EVENTS):
        momenta = rng.normal(0, 20, (int(rng.integers(5, 120)), 3)).astype(F4)
        energies = np.sqrt((momenta.astype(float) ** 2).sum(axis=1)).astype(F4)
        block = np.column_stack([energies, momenta])
        rows["values_block_0"][row, : block.size] = block.ravel()
        rows["values_block_1"][row] = rng.integers(0, 2, 2)
        jets.append([[*cylindrical(*map(float, p)), float(e)] for e, p in zip(energies, momenta, strict=True)])
    with h5py.File(path, "w") as file:
        file.create_dataset("table/table", data=rows, chunks=(8,), **hdf5plugin.Blosc())
        file["table/table"].attrs["values_block_0_kind"] = PICKLED
    return {
        "jet_constituents": (in_slots(jets, 100), ["pt", "eta", "phi", "energy"]),
        "ttv": (rows["values_block_1"][:, 0], None),
        "label": (rows["values_block_1"][:, 1], None),
    }


@layout("jetnet", ".hdf5")
def jetnet(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    particles = rng.normal(0, 0.2, (N_EVENTS, 30, 4)).astype(F4)
    particles[..., 2] = rng.random((N_EVENTS, 30))
    particles[..., 3] = np.arange(30) < rng.integers(5, 31, (N_EVENTS, 1))
    particles *= particles[..., 3:]
    jets = np.abs(rng.normal(100, 30, (N_EVENTS, 4))).astype(F4)
    with h5py.File(path, "w") as file:
        file["particle_features"], file["jet_features"] = particles, jets
    made = [
        [[float(p[2]) * float(jet[0]), float(p[0]) + float(jet[1]), float(p[1])] for p in found if p[3] > 0]
        for found, jet in zip(particles, jets, strict=True)
    ]
    return {
        "jet_constituents": (in_slots(made, 150), ["pt", "eta", "phi"]),
        "jet_features": (jets, ["pt", "eta", "mass", "nConstituents"]),
    }


@layout("aspen_open_jets", ".h5")
def aspen_open_jets(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    candidates = np.zeros((N_EVENTS, 160, 10), dtype=F4)
    jets = []
    for row in range(N_EVENTS):
        n_candidates = int(rng.integers(10, 155))
        candidates[row, :n_candidates] = rng.normal(0, 5, (n_candidates, 10))
        candidates[row, :n_candidates, -2] = rng.choice([0, 1, 2, 11, -13, 22, 130, 211, -211], n_candidates)
        kept = [p for p in candidates[row].astype(float).tolist() if abs(p[-2]) >= 11]
        jets.append([[*cylindrical(*p[:3]), p[3], p[4], p[6]] for p in kept])
    kinematics = rng.random((N_EVENTS, 5)).astype(F4)
    info = rng.integers(1, 2**40, (N_EVENTS, 3))
    with h5py.File(path, "w") as file:
        file["PFCands"], file["jet_kinematics"], file["event_info"] = candidates, kinematics, info
    return {
        "jet_constituents": (in_slots(jets, 150), ["pt", "eta", "phi", "energy", "d0", "dz"]),
        "jet_features": (kinematics[:, :4], ["pt", "eta", "phi", "msoftdrop"]),
        **{name: (info[:, i], None) for i, name in enumerate(("run", "luminosityBlock", "event"))},
    }


@layout("adc2021", ".h5")
def adc2021(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    kinds = [1] + 4 * [2] + 4 * [3] + 10 * [4]
    particles = np.zeros((N_EVENTS, 19, 4))
    objects, features = [], []
    for row in range(N_EVENTS):
        found = []
        for slot, kind in enumerate(kinds):
            if slot == 0 or rng.random() < 0.4:
                pt, eta, phi = float(1 + rng.exponential(30)), float(rng.normal()), float(rng.uniform(-3, 3))
                particles[row, slot] = [pt, 0.0 if slot == 0 else eta, phi, kind]
                found.append([*particles[row, slot, :3].tolist(), *[float(kind == k) for k in (1, 2, 3, 4)]])
        jets = [values for values in found if values[6]]
        objects.append(found)
        features.append([found[0][0], sum(values[0] for values in jets), len(jets)])
    with h5py.File(path, "w") as file:
        file.create_dataset("Particles", data=particles, compression="gzip")
        file["Particles_Names"] = np.array([b"Pt", b"Eta", b"Phi", b"Class"])
        file["EvtId"] = np.arange(N_EVENTS) * 3
    names = ["pt", "eta", "phi", "is_met", "is_electron", "is_muon", "is_jet"]
    return {
        "jet_event_data": (in_slots(objects, 19, key=None), names),
        "event_features": (np.array(features, dtype=F4), ["met", "ht", "n_jets"]),
        "event": (np.arange(N_EVENTS) * 3, None),
    }


@layout("cicada", ".h5")
def cicada(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    regions = rng.integers(0, 300, (N_EVENTS, 18, 14)).astype(np.int16)
    others: dict[str, Any] = {
        "AcceptanceFlag": rng.random(N_EVENTS) < 0.5,
        **{name: rng.integers(1, 99, N_EVENTS) for name in ("run", "lumi", "event", "nPV")},
    }
    with h5py.File(path, "w") as file:
        file["CaloRegions"] = regions
        for name, values in others.items():
            file[name] = values
    features = [
        [n, sum(int(e) for line in image for e in line)] for n, image in zip(others["nPV"], regions, strict=True)
    ]
    rows = {"run": "run", "luminosityBlock": "lumi", "event": "event", "acceptance": "AcceptanceFlag"}
    return {
        "calo_regions": (regions, None),
        "event_features": (np.array(features, dtype=F4), ["n_vertices", "total_et"]),
        **{name: (others[source].astype(int), None) for name, source in rows.items()},
    }
