"""Scores of all folds as those of one run: what a run's evaluation writes of them, provenance and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.callbacks.evaluate import resolve_references, scored_samples, write_metrics, write_scores
from hepad.config import RunConfig
from hepad.core.errors import JobError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.data import AnomalyDataModule, Entries
from hepad.data.entries import merge_parts, sketch_of
from hepad.data.split import rows_sha256
from hepad.metrics import Evaluation, ScoredSample, evaluate
from hepad.plots import standard_figures
from hepad.report import Cell, Section, Table
from hepad.results.run_figures import save_figures
from hepad.results.run_page import write_run_report
from hepad.run.building import build_data
from hepad.run.executing import Clock, TrainingResult
from hepad.run.provenance import command_words, write_provenance
from hepad.run.training import stored_config
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.locking import RunStatus

_SAME: Final = ("hepad", "format", "python", "packages", "git_revision", "host", "platform", "threads", "seed")
"""Facts of provenance that are those of the first fold."""


def scored_by(trained_on: Sequence[str], n_folds: int) -> str:
    """Say which model gives an entry its score."""
    return (
        f"Every entry of {', '.join(trained_on)} is scored by the one of {n_folds} models that has not seen it, an "
        f"entry of any other sample by the mean over the {n_folds} models."
    )


def fold_provenance(
    data: AnomalyDataModule, folds: Sequence[Path], trained_on: Sequence[str], laps: Mapping[str, float]
) -> dict[str, Any]:
    """Return what is true of all folds together, in the words of a run's provenance."""
    each = [read_provenance(directory) for directory in folds]
    first = each[0]
    train = sum(facts.get("seconds", {}).get("train", 0.0) for facts in each)
    return {
        **{key: first[key] for key in _SAME if key in first},
        "command": command_words(),
        "started": min(facts.get("started", "") for facts in each) or datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {sample: {**known, **data.tested_facts(sample)} for sample, known in first["data"].items()},
        "background": data.background,
        "parameters": sum(facts.get("parameters") or 0 for facts in each),
        "trained": round(np.mean([facts["trained"] for facts in each])),
        "validated": round(np.mean([facts["validated"] for facts in each])),
        "split_sha256": {"test": rows_sha256(data.test_entries[trained_on[0]].index)},
        "entries": {
            "definition": data.entry_definition,
            "trained_sketch": sketch_of(data.test_entries[trained_on[0]].batch.x),
        },
        "fold_runs": [directory.name for directory in folds],
        "epochs": max(facts.get("epochs") or 0 for facts in each),
        "seconds": {"train": round(train, 3), **laps},
        "status": RunStatus.FINISHED,
    }


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


@dataclass(frozen=True)
class _Fold:
    """Findings of one fold: its entries, and of each sample the scores and the trivial ones."""

    data: AnomalyDataModule
    entries: dict[str, Entries]
    samples: dict[str, ScoredSample]


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
    found = [_read_fold(directory) for directory in folds]
    _check_parts(folds, found)
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
            samples[name] = _mean(name, [fold.samples[name] for fold in parts])
    references = resolve_references(cfg.evaluation.references, data.background, data.test_samples)
    evaluation = evaluate(samples, data.background, references, list(cfg.evaluation.fprs), sculpted=cfg.sculpted)
    write_scores(
        run_dir / "scores.h5",
        data,
        {name: sample.score for name, sample in samples.items()},
        {name: _trivial_columns(sample) for name, sample in samples.items()},
        {"folds": len(folds), "scored_by": scored_by(trained_on, len(folds))},
    )
    write_metrics(run_dir, evaluation)
    clock.lap("evaluate")
    wanted = standard_figures(evaluation, samples, None, profiles=data.profile_features)
    drawn = save_figures(wanted if cfg.evaluation.plots else (), run_dir / "plots", list(cfg.evaluation.formats))
    clock.lap("plots")
    facts = fold_provenance(data, folds, trained_on, clock.laps)
    write_run_report(run_dir, evaluation, drawn, data, facts, more=[fold_section(folds, evaluation, trained_on)])
    write_provenance(run_dir, facts)
    return TrainingResult(run_dir, evaluation, facts["seconds"])


def _read_fold(directory: Path) -> _Fold:
    # What a student learned is of no use here.
    data = build_data(stored_config(directory).changed({"data.targets": None}))
    path = directory / "scores.h5"
    with open_hdf5(path) as file:
        scores = {name: _read_scores(file, path, name, entries) for name, entries in data.test_entries.items()}
    return _Fold(data, dict(data.test_entries), scored_samples(data, scores))


def _check_parts(directories: Sequence[Path], found: Sequence[_Fold]) -> None:
    """Raise `JobError` where a directory holds the run of another fold, or one of other files than the first."""
    first = read_provenance(directories[0])["data"]
    for number, (directory, fold) in enumerate(zip(directories, found, strict=True)):
        if (fold.data.folds, fold.data.fold) != (len(found), number):
            raise JobError(f"{directory} is not the run of fold {number} of {len(found)}; remove it")
        known = read_provenance(directory)["data"]
        if other := [name for name, facts in first.items() if known.get(name, {}).get("sha256") != facts["sha256"]]:
            raise JobError(
                f"{directory} is of another file of {other[0]} than {directories[0].name}; remove one of them"
            )


def _read_scores(file: h5py.File, path: Path, sample: str, entries: Entries) -> NDArray[np.float64]:
    """Return the scores of one sample, known to be those of its tested entries, in their order."""
    index = read_rows(safe_dataset(file, f"{sample}/index"))
    score = read_rows(safe_dataset(file, f"{sample}/score")).astype(np.float64)
    if not np.array_equal(index, entries.index) or not np.isfinite(score).all():
        raise JobError(f"{path}: the scores of {sample} are not those of its test part; remove {path.parent}")
    return score


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


def _mean(name: str, parts: Sequence[ScoredSample]) -> ScoredSample:
    """Return a sample that every fold scored, with the mean of its scores."""

    def column(values: Sequence[Any]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = np.mean(values, axis=0)
        return mean

    first = parts[0]
    return ScoredSample(
        name,
        column([part.score for part in parts]),
        first.features,
        {key: column([part.baselines[key] for part in parts]) for key in first.baselines},
        first.weight,
    )


def _trivial_columns(sample: ScoredSample) -> dict[str, NDArray[Any]]:
    return {f"trivial_{name}": values.astype("<f4") for name, values in sample.baselines.items()}
