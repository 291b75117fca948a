"""What evaluation leaves in the W&B record: numbers, tables and pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import wandb
from wandb.sdk.wandb_run import Run as WandbRun

from hepad.metrics import Evaluation, RocCurve, ScoredSample, trigger_rate

_ROC_POINTS = 200
_HISTOGRAM_BINS = 64


def log_results(
    run: WandbRun, evaluation: Evaluation, samples: Mapping[str, ScoredSample], pictures: Mapping[str, Path]
) -> None:
    """Log every metric under its plain name, the ROC curves and correlations as tables, every picture as an image.

    `wandb.plot.roc_curve` is not used: it rounds to three decimals and subsamples at random.
    """
    run.log(dict(evaluation.metrics))
    # A logged value reaches the summary only with the history; a sorted runs table wants it there in any case.
    run.summary.update(dict(evaluation.metrics))
    record: dict[str, Any] = {
        "test/roc": roc_table(evaluation.rocs),
        "test/correlations": correlation_table(evaluation),
    }
    for name, sample in samples.items():
        counts, edges = np.histogram(sample.score, bins=_HISTOGRAM_BINS)
        record[f"test/scores/{name}"] = wandb.Histogram(np_histogram=(counts, edges))
    for name, path in pictures.items():
        record[f"plots/{name}"] = wandb.Image(str(path))
    run.log(record)


def roc_table(rocs: Mapping[tuple[str, str], RocCurve]) -> wandb.Table:
    """Return TPR on a logarithmic grid of FPR, down to one reference entry, with the trigger rate in MHz."""
    rows = []
    for (signal, reference), curve in rocs.items():
        lowest = min(1.0, 1.0 / max(curve.n_background, 1))
        grid = np.geomspace(lowest, 1.0, _ROC_POINTS)
        tpr = np.interp(grid, curve.fpr, curve.tpr)
        rows += [
            [signal, reference, float(f), float(t), float(trigger_rate(f)) / 1e6]
            for f, t in zip(grid, tpr, strict=True)
        ]
    return wandb.Table(columns=["signal", "reference", "fpr", "tpr", "rate_mhz"], data=rows)


def correlation_table(evaluation: Evaluation) -> wandb.Table:
    """Return Pearson's and Spearman's correlation of the score with each feature, for each sample."""
    rows = [
        [sample, feature, pearson, evaluation.spearman[sample][feature]]
        for sample, features in evaluation.pearson.items()
        for feature, pearson in features.items()
    ]
    return wandb.Table(columns=["sample", "feature", "pearson", "spearman"], data=rows)
