"""Scores of all folds as those of one run: each entry has that of the model that has not seen it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.config import RunConfig
from hepad.core.errors import JobError
from hepad.data.entries import merge_parts
from hepad.metrics import Evaluation, ScoredSample
from hepad.pipeline.joined_run import JoinedRun, MemberScores, check_same_files, mean_sample, read_member
from hepad.report import Cell, Section, Table
from hepad.run.executing import Clock, TrainingResult
from hepad.rundir.facts import read_metrics, read_provenance


def scored_by(trained_on: Sequence[str], n_folds: int) -> str:
    """Say which model gives an entry its score."""
    return (
        f"Every entry of {', '.join(trained_on)} is scored by the one of {n_folds} models that has not seen it, an "
        f"entry of any other sample by the mean over the {n_folds} models."
    )


def fold_section(folds: Sequence[Path], evaluation: Evaluation, trained_on: Sequence[str]) -> Section:
    """Return the report's section on the single folds: AUCs against the first reference."""
    pairs = [
        f"{signal}_vs_{reference}" for signal, reference in evaluation.rocs if reference == evaluation.references[0]
    ]
    rows: list[list[Cell]] = []
    for directory in folds:
        facts, metrics = read_provenance(directory), read_metrics(directory)
        counts = [facts["trained"], facts["data"][trained_on[0]]["tested"], facts.get("epochs") or 0]
        rows.append([directory.name, *counts, *(metrics.get(f"test/auc/{pair}") for pair in pairs)])
    n_tested = sum(int(str(row[2])) for row in rows)
    rows.append(["together", None, n_tested, None, *(evaluation.metrics.get(f"test/auc/{pair}") for pair in pairs)])
    aucs = [f"AUC {pair.replace('_vs_', ' vs ')}" for pair in pairs]
    titles = ["Fold", "Trained", f"Tested, {trained_on[0]}", "Epochs", *aucs]
    return Section(
        "Folds",
        tables=[Table(titles, rows, "Each fold tests its own part.")],
        notes=[scored_by(trained_on, len(folds))],
    )


def join_folds(cfg: RunConfig, run_dir: Path, folds: Sequence[Path]) -> TrainingResult:
    """Join what the runs of all folds found, and write what a run's evaluation writes.

    An entry of a sample that is trained on has the score of the one model that has not seen it, and the trivial scores
    fitted to what that model was trained on; an entry of any other sample the mean over the models.

    Args:
        cfg: the pipeline's config.
        run_dir: its directory.
        folds: the finished runs, in order.

    Raises:
        JobError: a fold's scores are not those of its test part, or a directory holds a run of another fold or file.
    """
    clock = Clock()
    found = [read_member(directory) for directory in folds]
    _check_parts(found)
    check_same_files(folds)
    data = found[0].data
    for sample in data.split_samples:
        data.set_tested(sample, merge_parts([fold.data.tested(sample) for fold in found])[0])
    trained_on = [name for name in data.test_samples if data.sample_of(name) in data.split_samples]
    samples: dict[str, ScoredSample] = {}
    for name in data.test_samples:
        # The signal in a sample may have no entry in the part of some folds.
        parts = [fold for fold in found if name in fold.samples]
        if name in trained_on:
            _, order = merge_parts([fold.entries[name] for fold in parts])
            samples[name] = _joined(name, [fold.samples[name] for fold in parts], order)
        else:
            samples[name] = mean_sample(name, [fold.samples[name] for fold in parts])
    facts = {"fold_runs": [directory.name for directory in folds]}
    attributes: dict[str, str | int] = {"folds": len(folds), "scored_by": scored_by(trained_on, len(folds))}
    joined = JoinedRun(cfg, run_dir, folds, data, samples, {}, attributes, trained_on[0], facts)
    evaluation = joined.evaluation()
    return joined.write(clock, evaluation, fold_section(folds, evaluation, trained_on))


def _check_parts(found: Sequence[MemberScores]) -> None:
    """Raise `JobError` where a directory holds the run of another fold."""
    for number, fold in enumerate(found):
        if (fold.data.folds, fold.data.fold) != (len(found), number):
            raise JobError(f"{fold.directory} is not the run of fold {number} of {len(found)}; remove it")


def _joined(name: str, parts: Sequence[ScoredSample], order: NDArray[np.int64]) -> ScoredSample:
    """Return the parts of a sample as one, in the given order."""

    def column(values: Sequence[Any]) -> NDArray[np.float64]:
        joined: NDArray[np.float64] = np.concatenate(values)[order]
        return joined

    weights = [part.weight for part in parts if part.weight is not None]
    return ScoredSample(
        name,
        column([part.score for part in parts]),
        {key: column([part.features[key] for part in parts]) for key in parts[0].features},
        {key: column([part.baselines[key] for part in parts]) for key in parts[0].baselines},
        column(weights) if len(weights) == len(parts) else None,
    )
