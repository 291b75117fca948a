"""Layouts of showers in a calorimeter: voxels, cells and points."""

from pathlib import Path

import h5py
import numpy as np

from tests.layouts.plain import N_EVENTS, Expected, layout

F4 = np.float32


def calochallenge(path: Path, seed: int, n_voxels: int, shape: tuple[int, int, int] | None) -> Expected:
    rng = np.random.default_rng(seed)
    n_showers = 6 if n_voxels > 10_000 else N_EVENTS
    showers = np.where(rng.random((n_showers, n_voxels)) < 0.3, rng.exponential(5, (n_showers, n_voxels)), 0)
    energies = rng.uniform(1e3, 1e6, (n_showers, 1))
    with h5py.File(path, "w") as file:
        file["showers"], file["incident_energies"] = showers, energies
    made = []
    for shower, energy in zip(showers.tolist(), energies[:, 0].tolist(), strict=True):
        total = sum(shower)
        row = [energy, total, total / energy, sum(1 for cell in shower if cell > 0), max(shower)]
        if shape is not None:
            width = shape[1] * shape[2]
            layers = [sum(shower[i * width : (i + 1) * width]) for i in range(shape[0])]
            row.append(sum(i * layer for i, layer in enumerate(layers)) / total)
        made.append(row)
    names = ["incident_energy", "deposited_energy", "response", "n_hit", "hottest_voxel"]
    table = (np.array(made, dtype=F4), names if shape is None else [*names, "depth"])
    if shape is None:
        return {"table": table, "shower_voxels": (showers.astype(F4), None)}
    return {"table": table, "shower_volume": (showers.astype(F4).reshape(-1, *shape), None)}


@layout("calochallenge1_photons", ".hdf5")
def photons(path: Path, seed: int) -> Expected:
    return calochallenge(path, seed, 368, None)


@layout("calochallenge1_pions", ".hdf5")
def pions(path: Path, seed: int) -> Expected:
    return calochallenge(path, seed, 533, None)


@layout("calochallenge2", ".hdf5")
def electrons(path: Path, seed: int) -> Expected:
    return calochallenge(path, seed, 6480, (45, 16, 9))


@layout("calochallenge3", ".hdf5")
def fine_electrons(path: Path, seed: int) -> Expected:
    return calochallenge(path, seed, 40500, (45, 50, 18))


@layout("getting_high", ".hdf5")
def getting_high(path: Path, seed: int) -> Expected:
    rng = np.random.default_rng(seed)
    layers = np.where(rng.random((8, 30, 30, 30)) < 0.1, rng.exponential(1, (8, 30, 30, 30)), 0).astype(F4)
    energy = rng.uniform(10, 100, (8, 1)).astype(F4)
    with h5py.File(path, "w") as file:
        file["30x30/energy"], file["30x30/layers"] = energy, layers
    made = []
    for shower, incident in zip(layers.astype(float), energy[:, 0].tolist(), strict=True):
        cells = [[value for line in layer for value in line] for layer in shower.tolist()]
        sums = [sum(layer) for layer in cells]
        hits = [value for layer in cells for value in layer if value > 0]
        made.append([incident, sum(sums), len(hits), max(hits), sum(i * s for i, s in enumerate(sums)) / sum(sums)])
    names = ["incident_energy", "deposited_energy", "n_hit", "hottest_cell", "depth"]
    return {"table": (np.array(made, dtype=F4), names), "shower_volume": (layers, None)}


@layout("caloclouds", ".hdf5")
def caloclouds(path: Path, seed: int) -> Expected:
    """Points stand at the end of the axis, zeros before them."""
    rng = np.random.default_rng(seed)
    events = np.zeros((12, 4, 6000), dtype=F4)
    energy = rng.uniform(10, 90, (12, 1)).astype(F4)
    made = []
    for row in range(12):
        n = int(rng.integers(5, 60)) if row != 4 else 0
        points = np.stack([rng.uniform(-200, 200, n), rng.integers(0, 30, n), rng.uniform(-160, 240, n), rng.random(n)])
        events[row, :, 6000 - n :] = points
        found = events[row, :, 6000 - n :].astype(float).T.tolist()
        total = sum(point[3] for point in found)
        depth = sum(point[1] * point[3] for point in found) / total if found else 0.0
        made.append([float(energy[row, 0]), total, n, max((p[3] for p in found), default=0.0), depth])
    with h5py.File(path, "w") as file:
        file.create_dataset("events", data=events, compression="gzip")
        file["energy"] = energy
    names = ["incident_energy", "deposited_energy", "n_hit", "hottest_point", "depth"]
    return {"table": (np.array(made, dtype=F4), names), "shower_points": (np.moveaxis(events, 1, 2), None)}
