"""Scores of a teacher: those that a student learns, and those that an evaluation compares it with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from omegaconf import DictConfig
from torch import Tensor

from hepad.data import AnomalyDataModule, Entries
from hepad.data.loader import BatchLoader
from hepad.data.row_scores import RowScores, row_scores
from hepad.models import AnomalyModel
from hepad.pipeline.teachers import teacher_provenance
from hepad.run.loading import load_run
from hepad.run.targets import prepare_targets, stored_targets
from hepad.rundir.record import read_record

TEACHER: Final = "teacher"
"""The directory of a teacher in that of its student."""

_CHUNK: Final = 4096


def teacher_scores(model: AnomalyModel, data: AnomalyDataModule) -> dict[str, RowScores]:
    """Return a teacher's scores of all entries that a student trains, validates and is tested on."""
    parts: dict[str, list[tuple[Entries, Tensor]]] = {}
    for sample, entries in parts_of(data):
        parts.setdefault(sample, []).append((entries, _scores(model, entries)))
    return row_scores(parts, data.files)


def teacher_facts(teacher: Path, target: str) -> dict[str, Any]:
    """Return what provenance and the report should say of the teacher of a student of its `target`."""
    record = read_record(teacher)
    return {
        "run": str(teacher.resolve()),
        "model": record.model,
        "loss": record.loss,
        "target": target,
        "split_sha256": teacher_provenance(teacher)["split_sha256"],
    }


def teacher_targets(
    run_dir: Path, config: DictConfig, facts: Mapping[str, Any], data: AnomalyDataModule
) -> tuple[dict[str, Any], list[str]]:
    """Give the entries of an evaluation their targets: of a student, its teacher's scores, wherever the teacher is now.

    What the teacher has never seen is scored by it; without it the student's file of targets has to do.

    Args:
        run_dir: the run that is evaluated.
        config: the config of the evaluation.
        facts: the run's provenance.
        data: the entries.

    Returns:
        What provenance should say of the teacher, and notes for a reader.
    """
    if "teacher" not in config.model:
        return stored_targets(run_dir, config, facts, data)
    places = (facts.get("teacher", {}).get("run"), config.model.teacher, run_dir / TEACHER)
    for place in (Path(place) for place in places if place):
        if (place / "config.yaml").is_file():
            teacher = load_run(place)
            data.set_targets(teacher_scores(teacher.model, data), f"the teacher {place}")
            remarks = prepare_targets(data, config.model, f"the teacher {place}")
            return {"teacher": teacher_facts(place, str(config.model.target))}, remarks
    found, notes = stored_targets(run_dir, config, facts, data)
    if data.target_label or "teacher" not in facts:
        return found, notes
    return {}, ["The teacher is no longer where it was; the student is not compared with it."]


def parts_of(data: AnomalyDataModule) -> list[tuple[str, Entries]]:
    """Return every part of the entries that is used, with the name of its sample."""
    trained = [(found.role.sample, part) for found in data.role_entries for part in (found.train, found.val)]
    return [*trained, *((data.sample_of(name), entries) for name, entries in data.test_entries.items())]


def _scores(model: AnomalyModel, entries: Entries) -> Tensor:
    with torch.inference_mode():
        scores = torch.cat([model.anomaly_score(batch) for batch in BatchLoader(entries.batch, _CHUNK)])
    # A copy made outside inference mode may take part in training.
    return scores.clone()
