"""Provenance and report of folds together."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.data import AnomalyDataModule
from hepad.data.fingerprint import sketch_of
from hepad.data.split import rows_sha256
from hepad.metrics import Evaluation
from hepad.report import Cell, Section, Table
from hepad.run.provenance import command_words
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.status import RunStatus

_SAME: Final = ("hepad", "format", "python", "packages", "git_revision", "host", "platform", "threads", "seed")
"""What provenance says of the pipeline as it does of the first fold."""


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
