"""Failures of anomaly scores: on what is simpler than the background, and of densities in other coordinates.

    python -m scripts.complexity [--seeds 3] [--processes 2] [--output DIR]

Trains autoencoders of jets in both directions, on dijets to find tops and on tops to find dijets, and prints the AUC of
each over seeds beside the best score that needs no model. Then trains one flow of jets, and prints the AUC of its
−ln p after pT was written in other units of no meaning: ln pT, pT², 1/pT. Runs that are finished are not done again.
docs/complexity.md tells what is to be seen.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from hepad.config import RunConfig
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.metrics import auc, pair_result
from hepad.run.building import build_data
from hepad.rundir.config_file import read_checked_config

MODELS = {
    "plain autoencoder, sharp images": "experiment=top_vs_qcd",
    "plain autoencoder, blurred, codes on a sphere": "model=nae model.pretrain=30",
    "normalised autoencoder": "model=nae",
    "graph autoencoder, transport of pT": "model=graph_ae",
}
DIRECTIONS = {"qcd_jets": "top_jets", "top_jets": "qcd_jets"}
QUIET = "logger=none evaluation.plots=false"


def main() -> None:
    """Train what is missing, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("outputs/complexity"))
    options = parser.parse_args()
    runs = {
        (name, background, seed): options.output / f"{number}_{background}_{seed}"
        for number, name in enumerate(MODELS)
        for background in DIRECTIONS
        for seed in range(1, options.seeds + 1)
    }
    flow = options.output / "flow"
    commands = [(flow, "model=flow data=jets")]
    commands += [
        (run, f"{MODELS[name]} data.background={background} seed={seed}")
        for (name, background, seed), run in runs.items()
    ]
    with ThreadPoolExecutor(options.processes) as pool:
        list(pool.map(lambda command: train(*command), commands))
    print_directions(runs, range(1, options.seeds + 1))
    print_coordinates(flow)


def train(run: Path, words: str) -> None:
    """Train one run in a process of its own, with one thread, unless it is finished."""
    if (run / "metrics.json").exists():
        return
    command = [sys.executable, "-m", "hepad.train", *shlex.split(f"{words} {QUIET}"), f"hydra.run.dir={run}"]
    if (run / "config.yaml").exists():
        command = [sys.executable, "-m", "hepad.train", f"resume={run}"]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")


def print_directions(runs: dict[tuple[str, str, int], Path], seeds: range) -> None:
    """Print AUC over seeds in both directions, and the rank correlation of the scores with complexity."""
    print("| model | QCD → top | top → QCD | better than the best trivial score | ρ with nConstituents |")
    print("|---|---|---|---|---|")
    for name in MODELS:
        cells, better, correlations = [], [], []
        for background, signal in DIRECTIONS.items():
            metrics = [json.loads((runs[name, background, seed] / "metrics.json").read_text()) for seed in seeds]
            found = [each for each in (pair_result(one, signal, background) for one in metrics) if each is not None]
            areas = np.array([each.auc for each in found])
            cells.append(f"{areas.mean():.3f} ± {areas.std(ddof=1) if len(areas) > 1 else 0:.3f}")
            trivial = {each.trivial: each.trivial_auc for each in found}
            told = ", ".join(f"{title} {area:.3f}" for title, area in trivial.items())
            better.append(f"{sum(each.significantly_better for each in found)} of {len(found)} ({told})")
            correlations.append(np.mean([one["test/spearman/nConstituents"] for one in metrics]))
        print(
            f"| {name} | {' | '.join(cells)} | {'; '.join(better)} | {', '.join(f'{r:+.2f}' for r in correlations)} |"
        )


def print_coordinates(flow: Path) -> None:
    """Print the AUC of −ln p of the same density, with pT in other coordinates."""
    data = build_data(RunConfig.of(read_checked_config(flow)))
    scores: dict[str, dict[str, np.ndarray]] = {}
    with open_hdf5(flow / "scores.h5") as file:
        for sample, entries in data.test_entries.items():
            nll, norm = (read_rows(safe_dataset(file, f"{sample}/part_{name}")) for name in ("nll", "norm"))
            ln_pt = entries.batch.x[:, 0].double().log().numpy()
            # p in x′ is p in x times |dx/dx′|.
            powers = {"1/pT": -2, "ln pT": -1, "pT": 0, "pT²": 1, "pT³": 2}
            scores[sample] = {name: nll + power * ln_pt for name, power in powers.items()} | {"‖z‖²": norm}
    signals = [sample for sample in scores if sample != data.background]
    print(f"\n| −ln p with pT written as | {' | '.join(signals)} |")
    print(f"|---|{'---|' * len(signals)}")
    for coordinate in scores[data.background]:
        areas = [auc(scores[data.background][coordinate], scores[signal][coordinate]) for signal in signals]
        print(f"| {coordinate} | {' | '.join(f'{area:.3f}' for area in areas)} |")


if __name__ == "__main__":
    main()
