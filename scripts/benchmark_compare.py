"""Time a comparison of many runs, made from one real run by adding noise to its scores.

python scripts/benchmark_compare.py RUN [COUNT]
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from hepad.metrics import auc, auc_interval

KEPT = ("config.yaml", "provenance.json", "metrics.json", "scores.h5", "history.csv")


def noisy_copy(run: Path, target: Path, noise: float, seed: int) -> None:
    """Copy what a comparison reads, with log-normal noise of the given width on the scores and its AUCs anew."""
    target.mkdir(parents=True)
    for name in KEPT:
        shutil.copy(run / name, target / name)
    rng = np.random.default_rng(seed)
    scores = {}
    with h5py.File(target / "scores.h5", "r+") as file:
        for sample, group in file.items():
            scores[sample] = group["score"][:] * rng.lognormal(0, noise, group["score"].size)
            group["score"][:] = scores[sample]
    metrics = json.loads((target / "metrics.json").read_text())
    for signal in scores:
        for reference in scores:
            name = f"test/auc/{signal}_vs_{reference}"
            if name in metrics:
                metrics[name] = auc(scores[reference], scores[signal])
                metrics[f"{name}/low"], metrics[f"{name}/high"] = auc_interval(scores[reference], scores[signal])
    (target / "metrics.json").write_text(json.dumps(metrics))


def main() -> None:
    """Write the runs, compare them as a user does, and print the time."""
    run, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as directory:
        for i in range(count):
            noisy_copy(run, Path(directory) / "runs" / str(i), 0.05 * i + 1e-3, i)
        start = time.perf_counter()
        command = [sys.executable, "-m", "hepad.compare", "runs", "output=compared"]
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        print(f"{count} runs compared in {time.perf_counter() - start:.1f} s, {cpu:.1f} s of them on a processor")


if __name__ == "__main__":
    main()
