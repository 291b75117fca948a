"""Distillation before the student trains: a teacher, and the teacher's scores as targets."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch
from hydra.utils import get_class
from omegaconf import DictConfig
from torch import Tensor

from hepad.core.errors import JobError, UserError
from hepad.data import AnomalyDataModule, Entries
from hepad.data.loader import BatchLoader
from hepad.data.targets import (
    TARGET_LABELS,
    TARGETS,
    WEIGHTINGS,
    RareScoreWeights,
    clipped_share,
    flat_probability,
    target_transform,
)
from hepad.models import AnomalyModel
from hepad.run.loading import Run, load_run
from hepad.run.teachers import check_planned_teacher, check_teacher, teacher_config, teacher_provenance
from hepad.rundir.record import read_record

_CHUNK: Final = 4096
_CICADA_HINT: Final = "model.target=cicada is for scores in GeV² (a teacher with model.normalizer=none)"
_REMARKABLE_SHARE: Final = 0.03
_REFUSED_SHARE: Final = 0.5


@dataclass
class DistillationPlan:
    """How the entries of a student's run come to their targets.

    Attributes:
        data: the student's entries; `prepare_targets` puts targets, and how important each is, into them.
        settings: the student's section `model`, with `target` and `weighting`.
        directory: the teacher's run.
        config: what to train the teacher with; None for a teacher that exists.
        remarks: what a reader of the student's numbers should know of its targets, one sentence each.
    """

    data: AnomalyDataModule
    settings: DictConfig
    directory: Path
    config: DictConfig | None = None
    remarks: list[str] = field(default_factory=list)

    def prepare_targets(self, train: Callable[[DictConfig, Path], Any]) -> dict[str, Any]:
        """Train the teacher if need be, and set the targets; return what provenance should say of it."""
        if self.config is not None and not _is_finished(self.directory):
            print(f"training the teacher, {get_class(self.config.model._target_).__name__}", flush=True)
            train(self.config, self.directory)
        if self.config is not None:
            try:
                self.set_targets(load_run(self.directory))
            except UserError as error:
                # The directory is there and the teacher in it: this is no longer a question of the input alone.
                raise JobError(str(error)) from error
            print("training the student", flush=True)
        return self.facts()

    def facts(self) -> dict[str, Any]:
        """Return what provenance and the report should say of the teacher."""
        record = read_record(self.directory)
        return {
            "run": str(self.directory.resolve()),
            "model": record.model,
            "loss": record.loss,
            "target": str(self.settings.target),
            "split_sha256": teacher_provenance(self.directory)["split_sha256"],
        }

    def set_targets(self, teacher: Run) -> None:
        """Score every entry with the teacher, and make targets and weights of the scores."""
        data, target, weighting = self.data, str(self.settings.target), str(self.settings.weighting)
        data.target_label = TARGET_LABELS[target]
        train_score = _scores(teacher.model, data.train_entries)
        try:
            transform = target_transform(target, train_score)
        except ValueError as error:
            raise UserError(f"the teacher {self.directory}: {error}") from error
        train_target = transform(train_score)
        if train_target.min() == train_target.max():
            raise UserError(
                f"the teacher {self.directory} gives every training entry the target {train_target[0]:g}"
                f"{f'; {_CICADA_HINT}' if target == 'cicada' else ''}"
            )
        if target == "cicada":
            self._look_at_clipping(clipped_share(train_score))
        of_events = data.train_entries.batch.weight
        weights = RareScoreWeights(train_target, weight=of_events)
        data.train_entries = _with_target(data.train_entries, train_target)
        data.val_entries = _with_target(data.val_entries, transform(_scores(teacher.model, data.val_entries)))
        data.test_entries = {
            sample: _with_target(entries, transform(_scores(teacher.model, entries)))
            for sample, entries in data.test_entries.items()
        }
        if weighting == "flat":
            data.train_probability = flat_probability(train_target, weight=of_events)
        if weighting == "rare":
            data.train_entries = _with_importance(data.train_entries, weights)
        if weighting in ("rare", "flat"):
            # The best epoch is chosen by what is trained for; a flat sample is worth the same as these weights.
            data.val_entries = _with_importance(data.val_entries, weights)

    def _look_at_clipping(self, share: float) -> None:
        """Refuse, or remark on, targets that are clipped to one value and so cannot be told apart."""
        told = f"{share:.0%} of the training entries have a target clipped to the ends of [0, 256)"
        if share > _REFUSED_SHARE:
            raise UserError(f"the teacher {self.directory}: {told}; {_CICADA_HINT}")
        if share > _REMARKABLE_SHARE:
            self.remarks.append(f"{told}, where the student cannot tell them apart: {_CICADA_HINT}.")


def plan_distillation(cfg: DictConfig, data: AnomalyDataModule, run_dir: Path) -> DistillationPlan | None:
    """Return how the model of `cfg` comes to its targets; None for a model that learns from no teacher.

    The targets of a teacher that exists are set at once, so that whatever is wrong with it is found before the first
    file is written.

    Raises:
        UserError: a teacher that cannot teach this student (see `check_teacher`), or settings that do not exist.
    """
    if "teacher" not in cfg.model:
        return None
    if not isinstance(cfg.model.teacher_overrides, DictConfig | None):
        raise UserError("model.teacher_overrides: {KEY:VALUE,…} is needed, such as {model:vae,loss:huber}")
    for name, allowed in (("target", TARGETS), ("weighting", WEIGHTINGS)):
        if cfg.model[name] not in allowed:
            raise UserError(f"model.{name}={cfg.model[name]}; allowed: {', '.join(allowed)}")
    if cfg.model.teacher is None:
        planned = teacher_config(cfg, data, run_dir / "teacher")
        check_planned_teacher(planned, str(cfg.model.target))
        return DistillationPlan(data, cfg.model, run_dir / "teacher", planned)
    if cfg.model.teacher_overrides:
        raise UserError(
            "model.teacher_overrides: the teacher of model.teacher is trained already; leave one of them out"
        )
    plan = DistillationPlan(data, cfg.model, Path(cfg.model.teacher).expanduser())
    teacher = load_run(plan.directory)
    check_teacher(teacher, data)
    plan.set_targets(teacher)
    return plan


def _is_finished(directory: Path) -> bool:
    return (directory / "provenance.json").is_file() and teacher_provenance(directory).get("status") == "finished"


def _scores(model: AnomalyModel, entries: Entries) -> Tensor:
    with torch.inference_mode():
        scores = torch.cat([model.anomaly_score(batch) for batch in BatchLoader(entries.batch, _CHUNK)])
    # A copy made outside inference mode may take part in training.
    return scores.clone()


def _with_target(entries: Entries, target: Tensor) -> Entries:
    return replace(entries, batch=entries.batch._replace(target=target))


def _with_importance(entries: Entries, weights: RareScoreWeights) -> Entries:
    target = entries.batch.target
    assert target is not None
    return replace(entries, batch=entries.batch._replace(importance=weights(target)))
