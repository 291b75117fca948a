"""A comparison of many runs, made from one real run by adding noise to its scores."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from scripts.bench.made_up import trained_run, write_sample
from scripts.bench.rounds import Row, row_of, seconds_of
from scripts.bench.settings import Settings

from hepad.comparison import compare, write_comparison
from hepad.metrics import auc, auc_interval

KEPT = ("config.yaml", "provenance.json", "metrics.json", "scores.h5", "history.csv")


def comparison(settings: Settings) -> Iterator[Row]:
    """Yield the seconds that `hepad.compare` takes for some runs, its figures included."""
    signal = write_sample(settings.work, "vector", 2001)
    run = trained_run(settings.work, ["model=dense_ae", f"+data.samples.signal={signal}"])
    for count in settings.compared:
        runs = [settings.work / f"compared_{count}" / str(i) for i in range(count)]
        for i, directory in enumerate(runs):
            noisy_copy(run, directory, 0.05 * i + 1e-3, i)

        def compare_all(runs: list[Path] = runs, count: int = count) -> None:
            write_comparison(compare(list(map(str, runs)), None), settings.work / f"page_{count}", ["png"])

        yield row_of(f"{count} runs", "hepad.compare", "s", [seconds_of(compare_all)])


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
    metrics = json.loads((target / "metrics.json").read_text(encoding="utf-8"))
    for signal in scores:
        for reference in scores:
            name = f"test/auc/{signal}_vs_{reference}"
            if name in metrics:
                metrics[name] = auc(scores[reference], scores[signal])
                metrics[f"{name}/low"], metrics[f"{name}/high"] = auc_interval(scores[reference], scores[signal])
    (target / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
