"""Run directories written by hand: what a comparison reads, without a training."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from hepad.config import compose
from hepad.metrics import auc, auc_interval
from hepad.metrics.verdict import verdict_metrics

SAMPLES = {"zero_bias": 0.0, "jet_ht": 0.8, "ttbar": 1.2}


@cache
def config_text(*overrides: str) -> str:
    """Return the resolved config that these words give."""
    cfg = compose("train", ["logger=none", *overrides])
    cfg.paths.run = "run"
    return OmegaConf.to_yaml(cfg, resolve=True)


def fake_scores(
    seed: int, noise: float, n: int = 600, samples: Mapping[str, float] = SAMPLES
) -> dict[str, NDArray[Any]]:
    """Return sample → scores: one truth, the same for every run, seen through noise of its own."""
    truth, own = np.random.default_rng(0), np.random.default_rng(seed + 1)
    return {
        name: np.exp(truth.normal(shift, 1, n) + noise * own.normal(size=n)).astype(np.float32)
        for name, shift in samples.items()
    }


def write_fake_run(
    directory: Path,
    scores: Mapping[str, NDArray[Any]],
    overrides: Sequence[str] = (),
    references: Sequence[str] = ("zero_bias",),
    index: Mapping[str, NDArray[Any]] | None = None,
    hashes: Mapping[str, str] | None = None,
    kind: str = "jets",
    background: str = "zero_bias",
    trivial: Mapping[str, float] | None = None,
    **facts: Any,
) -> Path:
    """Write config.yaml, provenance.json, metrics.json, scores.h5 and history.csv of a finished run.

    Its trivial scores are a Σ pT of AUC 0.75 and those of `trivial`, name → AUC; with them it has a verdict.
    """
    directory.mkdir(parents=True)
    (directory / "config.yaml").write_text(config_text(*overrides))
    found: dict[str, Any] = {
        "status": "finished",
        "background": background,
        "seed": 1,
        "parameters": 937,
        "epochs": 3,
        "seconds": {"train": 12.5},
        "data": {name: {"sha256": (hashes or {}).get(name, f"hash of {name}")} for name in scores},
    }
    (directory / "provenance.json").write_text(json.dumps(found | facts))
    metrics: dict[str, float] = {}
    for reference in references:
        for signal in scores:
            if signal not in (reference, background) and reference in scores:
                b, s, name = scores[reference], scores[signal], f"test/auc/{signal}_vs_{reference}"
                low, high = auc_interval(b, s)
                metrics |= {name: auc(b, s), f"{name}/low": low, f"{name}/high": high}
                for baseline, area in {"sum_pt": 0.75, **(trivial or {})}.items():
                    metrics[f"test/baseline_auc/{baseline}/{signal}_vs_{reference}"] = area
        if trivial is not None:
            metrics |= verdict_metrics(metrics, [s for s in scores if s not in (reference, background)], reference)
    (directory / "metrics.json").write_text(json.dumps(metrics))
    with h5py.File(directory / "scores.h5", "w") as file:
        file.attrs["kind"], file.attrs["background"] = kind, background
        for name, values in scores.items():
            file[f"{name}/score"] = values
            file[f"{name}/index"] = np.arange(len(values)) if index is None else index[name]
    (directory / "history.csv").write_text("epoch,train/loss,val/loss\n0,1.0,1.1\n1,0.8,0.9\n2,0.7,\n")
    return directory
