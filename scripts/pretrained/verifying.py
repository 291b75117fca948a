"""The folder of a scorer evaluated again: the loaded model must give the scores and metrics of the run."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepad.rundir.facts import read_metrics, read_provenance


class NotReproduced(Exception):
    """The folder gives other numbers than the run that it was made of."""


def verify(run_dir: Path, target: Path) -> dict[str, Any]:
    """Evaluate a copy of a scorer's folder and compare all scores and metrics with those of its run, bit for bit.

    Args:
        run_dir: of the run.
        target: the folder that ships.

    Returns:
        How many scores and numbers were compared.

    Raises:
        NotReproduced: some differ.
    """
    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(target, Path(place) / target.name)
        words = [f"run={copy}", "name=again", "evaluation.plots=false", "logger=none"]
        threads = str(read_provenance(run_dir)["threads"])
        done = subprocess.run(
            [sys.executable, "-m", "hepad.evaluate", *words],
            env={**os.environ, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotReproduced(f"{target.name}: {done.stderr.strip()[-2000:]}")
        again = copy / "evaluations" / "again"
        n_scores = _same_scores(run_dir / "scores.h5", again / "scores.h5")
        found, wanted = read_metrics(again), read_metrics(run_dir)
        if other := [name for name, value in wanted.items() if found.get(name) != value]:
            raise NotReproduced(f"{target.name}: {len(other)} of {len(wanted)} metrics differ, such as {other[0]}")
    return {"scores": n_scores, "metrics": len(wanted), "threads": int(threads)}


def _same_scores(trained: Path, again: Path) -> int:
    with h5py.File(trained) as one, h5py.File(again) as other:
        for sample in one:
            if not np.array_equal(one[f"{sample}/score"][:], other[f"{sample}/score"][:], equal_nan=True):
                raise NotReproduced(f"{again}: the scores of {sample} are others")
        return sum(len(one[f"{sample}/score"]) for sample in one)
