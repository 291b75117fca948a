"""Compare made-up showers with simulated ones: visible energy in bins of the incident energy, and showers per second.

    python -m hepad.simulate samples=[photon_showers] n_events=30000 seed=7 output=held_out
    python scripts/shower_study.py held_out/photon_showers.h5 runs/bib_ae runs/flow_matching

Each run makes up one shower for every simulated one, with its incident energy (data.context=[incident_energy]), or with
none. Of the response, visible over incident energy, mean and width are divided by those of the simulation; beside them
stand the statistical errors of the ratios, of both samples. Rates are those of `model.sample` in blocks of `hepad
generate`, by the clock and by the processor time of all threads, on a CPU and, where there is one, a GPU; that of the
simulation is measured beside. The tables in docs/shower_models.md and docs/performance.md are of this script.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

import hepad
from hepad.models import AnomalyModel, Generative
from hepad.simulation.showers import ShowerSettings, simulate_showers

EDGES = (10.0, 20.0, 40.0, 60.0, 80.0, 100.0)
BLOCK = 4096

Array = NDArray[np.float64]


class Ratio(NamedTuple):
    """Mean and width of made-up responses over those of simulated ones, with their statistical errors."""

    mean: float
    mean_error: float
    width: float
    width_error: float


def compare(made: Array, real: Array) -> Ratio:
    """Return the ratios of mean and of standard deviation of two samples `(N,)` and `(M,)`."""
    means, widths = made.mean() / real.mean(), made.std() / real.std()
    of_means = [values.std() / abs(values.mean()) / np.sqrt(len(values)) for values in (made, real)]
    # The variance of a variance, for any distribution: that of showers that leak has tails.
    of_widths = []
    for values in (made, real):
        kurtosis = ((values - values.mean()) ** 4).mean() / values.var() ** 2
        of_widths.append(np.sqrt((kurtosis - 1) / (4 * len(values))))
    return Ratio(float(means), float(means * np.hypot(*of_means)), float(widths), float(widths * np.hypot(*of_widths)))


def made_up(model: AnomalyModel, energy: Array, conditional: bool, seed: int = 0) -> tuple[Array, float, float]:
    """Return visible energies of showers of these incident energies, and showers per second of clock and processor."""
    assert isinstance(model, Generative)
    generator = torch.Generator().manual_seed(seed)
    visible = []
    clock, processor = time.perf_counter(), time.process_time()
    for start in range(0, len(energy), BLOCK):
        given = torch.from_numpy(energy[start : start + BLOCK]).float().unsqueeze(1)
        batch = model.sample(given if conditional else len(given), generator)
        visible.append(batch.x.double().flatten(1).sum(dim=1).numpy())
    rates = len(energy) / (time.perf_counter() - clock), len(energy) / (time.process_time() - processor)
    return np.concatenate(visible), *rates


def simulated_per_second(n: int = 1000) -> tuple[float, float]:
    """Return showers per second of `samples=photon_showers`, of clock and of processor, without writing them."""
    rng = np.random.default_rng(0)
    clock, processor = time.perf_counter(), time.process_time()
    simulate_showers("photon", n, ShowerSettings(), 23, rng)
    return n / (time.perf_counter() - clock), n / (time.process_time() - processor)


def main(argv: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("held_out", type=Path, help="simulated showers that no run was trained on")
    parser.add_argument("runs", type=Path, nargs="+", help="directories of runs")
    parser.add_argument("--limit", type=int, default=None, help="simulated showers that are read; all by default")
    arguments = parser.parse_args(argv)
    with h5py.File(arguments.held_out) as file:
        energy = np.asarray(file["incident_energy"][: arguments.limit], dtype=np.float64)
        cells = file["shower_volume"]
        real = np.concatenate(
            [np.asarray(cells[i : i + BLOCK], np.float64).sum(axis=(1, 2, 3)) for i in range(0, len(energy), BLOCK)]
        )[: len(energy)]
    within = [(energy >= low) & (energy < high) for low, high in pairwise(EDGES)]
    speeds = []
    print("| run | incident energy (GeV) | showers | mean / simulation | width / simulation |\n|---|---|---|---|---|")
    for directory in arguments.runs:
        run = hepad.load_run(directory)
        conditional = bool(run.context_names)
        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        for device in devices:
            made, *rates = made_up(run.model.to(device), energy, conditional)
            speeds.append((directory.name, device, *rates))
        for (low, high), rows in zip(pairwise(EDGES), within, strict=True):
            found = compare(made[rows] / energy[rows], real[rows] / energy[rows])
            print(
                f"| {directory.name} | {low:g}–{high:g} | {rows.sum()} | {found.mean:.4f} ± {found.mean_error:.4f} | "
                f"{found.width:.3f} ± {found.width_error:.3f} |"
            )
    print(f"\n{torch.get_num_threads()} threads\n\n| what | device | showers/s | showers/CPU-s |\n|---|---|---|---|")
    speeds.append(("hepad.simulate samples=photon_showers", "cpu", *simulated_per_second()))
    for name, device, clock, processor in speeds:
        print(f"| {name} | {device} | {clock:,.0f} | {processor:,.0f} |")


if __name__ == "__main__":
    main()
