"""What a student needs before it can train: a teacher, and the teacher's scores as targets."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from torch import Tensor

from hepad.config import compose
from hepad.config_errors import check_values, explain_config_error
from hepad.data import AnomalyDataModule, Entries
from hepad.data.loader import BatchLoader
from hepad.data.split import rows_sha256, split_rows
from hepad.data.targets import TARGETS, WEIGHTINGS, RareScoreWeights, flat_probability, target_transform
from hepad.errors import UserError
from hepad.models import AnomalyModel
from hepad.run.loading import Run, load_run
from hepad.run.provenance import file_sha256
from hepad.run.validation import validate

DEFAULT_TEACHERS: Final = {"jets": "dense_ae", "events": "td_ae", "calo": "cicada_ae", "jet_images": "conv_ae"}
"""Kind of data → the model that is trained as a teacher unless the user names one."""

_SHARED_SECTIONS: Final = ("trainer", "callbacks", "evaluation")
_CHUNK = 4096


@dataclass
class Lesson:
    """How the entries of a student's run come to their targets.

    Attributes:
        data: the student's entries; `take` puts targets and weights into them.
        settings: the student's section `model`, with `target` and `weighting`.
        directory: the teacher's run.
        config: what to train the teacher with; None for a teacher that exists.
    """

    data: AnomalyDataModule
    settings: DictConfig
    directory: Path
    config: DictConfig | None = None

    def take(self, train: Callable[[DictConfig, Path], Any]) -> dict[str, Any]:
        """Train the teacher if need be, and set the targets; return what provenance should say of it."""
        if self.config is not None and not _is_finished(self.directory):
            print(f"training the teacher, {get_class(self.config.model._target_).__name__}", flush=True)
            train(self.config, self.directory)
        if self.config is not None:
            self.set_targets(load_run(self.directory))
            print("training the student", flush=True)
        return {"run": str(self.directory.resolve()), "split_sha256": _provenance(self.directory)["split_sha256"]}

    def set_targets(self, teacher: Run) -> None:
        """Score every entry with the teacher, and make targets and weights of the scores."""
        data, target, weighting = self.data, str(self.settings.target), str(self.settings.weighting)
        train_score = _scores(teacher.model, data.train_entries)
        try:
            transform = target_transform(target, train_score)
        except ValueError as error:
            raise UserError(f"the teacher {self.directory}: {error}") from error
        train_target = transform(train_score)
        if train_target.min() == train_target.max():
            hint = "; model.target=cicada is for scores in GeV² (a teacher with model.normalizer=none)"
            raise UserError(
                f"the teacher {self.directory} gives every training entry the target {train_target[0]:g}"
                f"{hint if target == 'cicada' else ''}"
            )
        weights = RareScoreWeights(train_target)
        data.train_entries = _with_target(data.train_entries, train_target)
        data.val_entries = _with_target(data.val_entries, transform(_scores(teacher.model, data.val_entries)))
        data.test_entries = {
            sample: _with_target(entries, transform(_scores(teacher.model, entries)))
            for sample, entries in data.test_entries.items()
        }
        if weighting == "flat":
            data.train_probability = flat_probability(train_target)
        if weighting == "rare":
            data.train_entries = _with_weight(data.train_entries, weights)
        if weighting in ("rare", "flat"):
            # The best epoch is chosen by what is trained for; a flat sample is worth the same as these weights.
            data.val_entries = _with_weight(data.val_entries, weights)


def plan_lesson(cfg: DictConfig, data: AnomalyDataModule, run_dir: Path) -> Lesson | None:
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
        return Lesson(data, cfg.model, run_dir / "teacher", teacher_config(cfg, data.kind, run_dir / "teacher"))
    if cfg.model.teacher_overrides:
        raise UserError(
            "model.teacher_overrides: the teacher of model.teacher is trained already; leave one of them out"
        )
    lesson = Lesson(data, cfg.model, Path(cfg.model.teacher).expanduser())
    teacher = load_run(lesson.directory)
    check_teacher(teacher, data)
    lesson.set_targets(teacher)
    return lesson


def teacher_config(cfg: DictConfig, kind: str, directory: Path) -> DictConfig:
    """Return the config that trains the teacher of a student's config `cfg`.

    Data, trainer, callbacks and evaluation are the student's, but for the half of the training part and for the number
    of epochs where the teacher's own is smaller; everything else
    comes from `model.teacher_overrides`, keys and values as on the command line, after a model that fits the data.

    Raises:
        UserError: what a command line would refuse too, or a key of the data, which are the student's.
    """
    given = [f"{key}={_spelled(value)}" for key, value in (cfg.model.teacher_overrides or {}).items()]
    words = [f"model={DEFAULT_TEACHERS[kind]}", *given]
    if any(word.lstrip("+~").split("=")[0].split(".")[0] == "data" for word in given):
        raise UserError("model.teacher_overrides: the teacher's data are the student's; set them for the run itself")
    try:
        teacher = compose("train", words)
        check_values("train", words)
    except UserError as error:
        raise UserError(f"model.teacher_overrides: {error}") from error
    except Exception as error:
        # Hydra raises a dozen types here; its command line explains them in the same way.
        raise UserError(f"model.teacher_overrides: {explain_config_error(error, 'train', words)}") from error
    with open_dict(teacher):
        teacher.seed, teacher.data, teacher.paths, teacher.logger = cfg.seed, cfg.data, cfg.paths, {}
        teacher.data.train_on = "teacher"
        teacher.paths.run = str(directory)
        own_epochs = teacher.trainer.max_epochs
        for section in _SHARED_SECTIONS:
            if not any(word.startswith((f"{section}=", f"{section}.")) for word in given):
                teacher[section] = cfg[section]
                if section == "trainer":
                    # A teacher that is done in ten epochs need not go on for the student's hundred.
                    teacher.trainer.max_epochs = min(own_epochs, cfg.trainer.max_epochs)
    validate(teacher)
    return teacher


def check_teacher(teacher: Run, data: AnomalyDataModule) -> None:
    """Raise `UserError` where a run cannot teach on these data.

    It must score the same entries (kind, shape, features), and none of its training entries may serve again: if it
    was trained on a file of this run, then on exactly the teacher's half of this run's background.
    """
    where = f"model.teacher={teacher.directory}"
    kind = get_class(teacher.config.data._target_).kind  # type: ignore[attr-defined]
    if kind != data.kind:
        raise UserError(f"{where} scores {kind}, not {data.kind}; choose data={kind} or a teacher of {data.kind}")
    if teacher.entry_shape != data.entry_shape:
        raise UserError(f"{where} scores entries of shape {teacher.entry_shape}, here they are {data.entry_shape}")
    if (teacher.config.data.get("features") or None) != (getattr(data, "features", None) or None):
        raise UserError(f"{where} was trained on other features; use the same data.features")
    facts = _provenance(teacher.directory)
    trained_on = facts["data"][facts["background"]]["sha256"]
    shared = [sample for sample, path in data.files.items() if file_sha256(path) == trained_on]
    half = rows_sha256(split_rows(data.n_background, "teacher").train)
    if shared and (shared != [data.background] or facts["split_sha256"]["train"] != half):
        raise UserError(
            f"{where} was trained on entries of {shared[0]} that the student would train or be tested on; "
            "train it with data.train_on=teacher and otherwise the same data"
        )


def _provenance(directory: Path) -> dict[str, Any]:
    path = directory / "provenance.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        facts["data"][facts["background"]]["sha256"], facts["split_sha256"]["train"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} does not say which entries the teacher was trained on; train it again") from error
    return facts


def _spelled(value: Any) -> str:
    """A value as it stands on a command line."""
    if isinstance(value, DictConfig | ListConfig):
        value = OmegaConf.to_container(value, resolve=True)
    return value if isinstance(value, str) else json.dumps(value)


def _is_finished(directory: Path) -> bool:
    return (directory / "provenance.json").is_file() and _provenance(directory).get("status") == "finished"


def _scores(model: AnomalyModel, entries: Entries) -> Tensor:
    with torch.inference_mode():
        scores = torch.cat([model.anomaly_score(batch) for batch in BatchLoader(entries.batch, _CHUNK)])
    # A copy made outside inference mode may take part in training.
    return scores.clone()


def _with_target(entries: Entries, target: Tensor) -> Entries:
    return replace(entries, batch=entries.batch._replace(target=target))


def _with_weight(entries: Entries, weights: RareScoreWeights) -> Entries:
    target = entries.batch.target
    assert target is not None
    return replace(entries, batch=entries.batch._replace(weight=weights(target)))
