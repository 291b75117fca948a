"""Teachers: the config of one to train, what a run that exists must be, and the scores that a student learns."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from hydra.utils import get_class
from torch import Tensor

from hepad.checks.combinations import validate
from hepad.config import RunConfig, compose
from hepad.config.explanations import check_values, explain_config_error
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.data import AnomalyDataModule, Entries
from hepad.data.entries import shares_entries
from hepad.data.loader import BatchLoader
from hepad.data.row_scores import RowScores, row_scores
from hepad.data.split import rows_sha256
from hepad.data.targets import prepare_targets, stored_targets
from hepad.models import AnomalyModel
from hepad.run.loading import Run, load_run
from hepad.rundir.config_file import moved_paths
from hepad.rundir.facts import read_provenance
from hepad.rundir.record import read_record

DEFAULT_TEACHERS: Final = {"vector": "dense_ae", "set": "td_ae", "image": "conv_ae"}
"""Structure of entries → the model that is trained as a teacher unless the user, or the data, name another one."""

_SHARED_SECTIONS: Final = ("trainer", "callbacks", "evaluation")
TEACHERS_HALF: Final = "first"
STUDENTS_HALF: Final = "second"

_ALONE: Final = "a student cannot be a teacher"


def teacher_config(cfg: RunConfig, data: AnomalyDataModule | type[AnomalyDataModule], directory: Path) -> RunConfig:
    """Return the config that trains the teacher of a student's config `cfg`.

    Data, trainer, callbacks and evaluation are the student's, but for the half of the training part and for the number
    of epochs where the teacher's own is smaller; everything else
    comes from `model.teacher_overrides`, keys and values as on the command line, after a model that fits the data.

    Raises:
        UserError: what a command line would refuse too, or a key of the data, which are the student's.
    """
    given = [f"{key}={_spelled(value)}" for key, value in (cfg.model["teacher_overrides"] or {}).items()]
    words = [f"model={data.default_model or DEFAULT_TEACHERS[data.structure]}", *given]
    if any(word.lstrip("+~").split("=")[0].split(".")[0] == "data" for word in given):
        raise UserError("model.teacher_overrides: the teacher's data are the student's; set them for the run itself")
    try:
        composed = compose("train", words)
        check_values("train", words)
    except UserError as error:
        raise UserError(f"model.teacher_overrides: {error}") from error
    except Exception as error:
        # Hydra raises a dozen types here; its command line explains them in the same way.
        raise UserError(f"model.teacher_overrides: {explain_config_error(error, 'train', words)}") from error
    if "teacher" in composed.model:
        raise UserError(f"model.teacher_overrides: {_ALONE}; name another model")
    shared = [
        section
        for section in _SHARED_SECTIONS
        if not any(word.startswith((f"{section}=", f"{section}.")) for word in given)
    ]
    changes: dict[str, Any] = {"seed": cfg.seed, "data": cfg.data.plain(), "paths": cfg.value("paths"), "logger": {}}
    changes |= {"data.half": TEACHERS_HALF, "data.targets": None, "paths.run": str(directory)}
    changes |= {section: moved_paths(cfg.value(section), cfg.run_dir, str(directory)) for section in shared}
    if "trainer" in shared:
        # A teacher that is done in ten epochs need not go on for the student's hundred.
        changes["trainer.max_epochs"] = min(composed.trainer.max_epochs, cfg.trainer.max_epochs)
    teacher = RunConfig.of(composed, changes)
    validate(teacher)
    return teacher


def check_planned_teacher(teacher: RunConfig, target: str) -> None:
    """Raise `UserError` for a model whose scores could not be made into targets, before it is trained for nothing."""
    model: Any = get_class(teacher.model.target)
    if model.may_score_below_zero(teacher.model) and target != "score":
        raise UserError(
            f"model.teacher_overrides: scores of {model.__name__} may be negative, and model.target={target} takes "
            "their logarithm; choose model.target=score or another teacher"
        )
    normalizer = teacher.model.get("normalizer", "none")
    if target == "cicada" and normalizer != "none":
        raise UserError(
            f"model.target=cicada is for scores in GeV², not for those of a teacher with normalizer={normalizer}; "
            "add model.teacher_overrides={model.normalizer:none}, or choose model.target=log_score"
        )


def check_teacher(teacher: Run, data: AnomalyDataModule) -> None:
    """Raise `UserError` where a run cannot teach on these data.

    It must score entries that are made in the same way (kind, shape, `AnomalyDataModule.entry_definition`), and none
    of its training entries may serve again, from whatever file they are read.
    """
    where = f"model.teacher={teacher.directory}"
    if "teacher" in teacher.settings.model:
        raise UserError(f"{where} is a student, and {_ALONE}; name a run of another model")
    kind = get_class(teacher.settings.data.target).kind  # type: ignore[attr-defined]
    if kind != data.kind:
        raise UserError(f"{where} scores {kind}, not {data.kind}; choose data={kind} or a teacher of {data.kind}")
    if teacher.entry_shape != data.entry_shape:
        raise UserError(f"{where} scores entries of shape {teacher.entry_shape}, here they are {data.entry_shape}")
    facts = teacher_provenance(teacher.directory)
    if "roles" in facts:
        raise UserError(f"{where} was trained on roles (data.train); a teacher learns from the background alone")
    known = _definition(teacher, facts, data)
    for name, here in data.entry_definition.items():
        if (there := known.get(name)) != here:
            raise UserError(
                f"{where} was trained on other entries: {name} was {_told(there)}, here it is {_told(here)}; "
                "give both runs the same settings of data"
            )
    if sample := _sample_that_serves_twice(facts, data):
        raise UserError(
            f"{where} was trained on entries of {sample} that the student would train or be tested on; "
            f"train it with data.half={TEACHERS_HALF} and otherwise the same data"
        )


def trained_on_its_half(directory: Path, data: AnomalyDataModule) -> bool:
    """Return whether a teacher was trained on its half of the very background that its student learns."""
    facts = teacher_provenance(directory)
    return bool(
        facts["data"][facts["background"]]["sha256"] == file_sha256(data.files[data.background])
        and facts["split_sha256"]["train"] == rows_sha256(data.training_rows(TEACHERS_HALF))
    )


def _definition(teacher: Run, facts: Mapping[str, Any], data: AnomalyDataModule) -> dict[str, Any]:
    """Return what the teacher's entries were made by; of a run that did not write it down, what its config says."""
    recorded = facts.get("entries", {}).get("definition")
    if recorded is not None:
        return dict(recorded)
    here = data.entry_definition
    config = teacher.settings.data
    return here | {name: value for name, value in config.items() if name in here and value is not None}


def _sample_that_serves_twice(facts: Mapping[str, Any], data: AnomalyDataModule) -> str | None:
    """Return a sample of which the student would see entries that trained the teacher."""
    trained_on = facts["data"][facts["background"]]["sha256"]
    shared = [sample for sample, path in data.files.items() if file_sha256(path) == trained_on]
    half = rows_sha256(data.training_rows(TEACHERS_HALF))
    if shared and (shared != [data.background] or facts["split_sha256"]["train"] != half):
        return shared[0]
    # The same file is told by its bytes, its entries in any other file by themselves.
    sketch = facts.get("entries", {}).get("trained_sketch", "")
    if shares_entries(sketch, [data.train_entries.batch.x, data.val_entries.batch.x]):
        return data.background
    tested = ((sample, entries.batch.x) for sample, entries in data.test_entries.items())
    return next((sample for sample, x in tested if shares_entries(sketch, [x])), None)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return "unknown" if value is None else str(value)


def teacher_provenance(directory: Path) -> dict[str, Any]:
    """Return the provenance of a run; raise `UserError` where it does not say what the run was trained on."""
    facts = read_provenance(directory)
    try:
        facts["data"][facts["background"]]["sha256"], facts["split_sha256"]["train"]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{directory / 'provenance.json'} does not say which entries the teacher was trained on; train it again"
        ) from error
    return facts


def _spelled(value: Any) -> str:
    """A value as it stands on a command line."""
    return value if isinstance(value, str) else json.dumps(value)


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
    run_dir: Path, config: RunConfig, facts: Mapping[str, Any], data: AnomalyDataModule
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
    places = (facts.get("teacher", {}).get("run"), config.model["teacher"], run_dir / TEACHER)
    for place in (Path(place) for place in places if place):
        if (place / "config.yaml").is_file():
            teacher = load_run(place)
            data.set_targets(teacher_scores(teacher.model, data), f"the teacher {place}")
            remarks = prepare_targets(data, config.model, f"the teacher {place}")
            return {"teacher": teacher_facts(place, str(config.model["target"]))}, remarks
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
