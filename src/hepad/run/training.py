"""One run from a config: read, train, evaluate, write."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning as L
from hydra.utils import get_class
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf, open_dict

from hepad.callbacks import Evaluate, History
from hepad.callbacks.evaluate import resolve_references
from hepad.data import AnomalyDataModule
from hepad.files import atomic_write_text
from hepad.metrics import Evaluation
from hepad.models import AnomalyModel
from hepad.registry import instantiate
from hepad.run.distillation import plan_lesson
from hepad.run.figures import run_figures, save_figures
from hepad.run.loggers import finish, quieten, wandb_runs
from hepad.run.provenance import provenance, write_provenance
from hepad.run.report import write_run_report
from hepad.run.validation import validate, validate_run_dir
from hepad.run.wandb_results import log_results


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves in memory; all of it is also in `run_dir`.

    Attributes:
        run_dir: the run's directory.
        evaluation: the numbers.
        seconds: wall time of each part of the run.
    """

    run_dir: Path
    evaluation: Evaluation
    seconds: dict[str, float]


def train(cfg: DictConfig, run_dir: Path) -> TrainingResult:
    """Train the model of `cfg` on background, evaluate it on every sample, and write the run's directory.

    Everything that can be wrong with the input is found before the first file is written.

    Raises:
        UserError: the config or the data cannot be used.
    """
    clock = Clock()
    quieten()
    validate_run_dir(run_dir)
    validate(cfg)
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    data = build_data(cfg)
    resolve_references(cfg.evaluation.references, data.background, data.test_samples)
    lesson = plan_lesson(cfg, data, run_dir)
    model = build_model(cfg, data)
    if lesson is not None and lesson.config is not None:
        # Only to find now whatever is wrong with the teacher's config.
        build_model(lesson.config, data)
    evaluate = Evaluate(run_dir, cfg.evaluation.references, list(cfg.evaluation.fprs))
    history = History(run_dir / "history.csv")
    trainer = build_trainer(cfg, [history, evaluate])
    loggers: list[Logger] = [logger for entry in cfg.logger.values() if entry and (logger := instantiate(entry))]
    trainer.loggers = loggers

    run_dir.mkdir(parents=True, exist_ok=True)
    atomic_write_text(run_dir / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    facts = provenance(data, model, cfg.seed)
    write_provenance(run_dir, facts)
    clock.lap("set_up")
    try:
        for logger in loggers:
            logger.log_hyperparams({"config": OmegaConf.to_container(cfg, resolve=True), "provenance": facts})
        if lesson is not None:
            facts["teacher"] = lesson.take(train)
            model.prepare(data.train_entries.batch)
            clock.lap("teacher")
        trainer.fit(model, datamodule=data, weights_only=True)
        # Testing the best checkpoint brings back the callbacks of that epoch, the history among them.
        columns = history.columns()
        clock.lap("train")
        trainer.test(model, datamodule=data, ckpt_path="best", weights_only=True, verbose=False)
        clock.lap("evaluate")
        drawn = run_figures(evaluate.result, evaluate.samples, columns, model, data, evaluate.exhibits)
        figures = save_figures(drawn if cfg.evaluation.plots else iter(()), run_dir / "plots", cfg.evaluation.formats)
        clock.lap("plots")
        for run in wandb_runs(loggers):
            pictures = {figure.name: run_dir / "plots" / f"{figure.name}.png" for figure in figures}
            log_results(run, evaluate.result, evaluate.samples, pictures)
        finish(loggers, exit_code=0)
        clock.lap("wandb")
        facts |= {"status": "finished", "epochs": len(columns["epoch"]), "seconds": clock.laps}
        write_run_report(run_dir, evaluate.result, figures, data, facts)
        clock.lap("report")
        write_provenance(run_dir, facts)
    except BaseException as error:
        facts |= {"status": "failed", "reason": f"{type(error).__name__}: {error}", "seconds": clock.laps}
        write_provenance(run_dir, facts)
        finish(loggers, exit_code=1)
        raise
    return TrainingResult(run_dir=run_dir, evaluation=evaluate.result, seconds=clock.laps)


def build_data(cfg: DictConfig) -> AnomalyDataModule:
    """Build the datamodule of `cfg` and read its files; the model says what to train on where the user does not."""
    if cfg.data.get("train_on") is None:
        with open_dict(cfg.data):
            cfg.data.train_on = get_class(cfg.model._target_).train_on  # type: ignore[attr-defined]
    data: AnomalyDataModule = instantiate(cfg.data)
    data.setup()
    return data


def build_model(cfg: DictConfig, data: AnomalyDataModule) -> AnomalyModel:
    """Build the model of `cfg` for the entries of `data`, its normaliser fitted on the training part."""
    config = OmegaConf.to_container(cfg.model, resolve=True)
    assert isinstance(config, dict)
    for key in get_class(cfg.model._target_).training_keys:  # type: ignore[attr-defined]
        config.pop(key, None)
    # Not recursive: the model keeps its parts' configs as plain hyperparameters and builds the parts itself.
    model: AnomalyModel = instantiate({**config, "_recursive_": False}, entry_shape=list(data.entry_shape))
    model.prepare(data.train_entries.batch)
    model.optimizer_factory = instantiate(cfg.optimizer)
    model.scheduler_factory = instantiate(cfg.scheduler) if cfg.scheduler else None
    return model


def build_trainer(cfg: DictConfig, callbacks: Sequence[Callback]) -> L.Trainer:
    """Build the trainer of `cfg` with its own callbacks and the given ones; loggers are set when all else is sound."""
    configured: list[Callback] = [instantiate(entry) for entry in cfg.callbacks.values() if entry]
    trainer: L.Trainer = instantiate(
        cfg.trainer,
        logger=False,
        callbacks=[*configured, *callbacks],
        # Without a bar among the callbacks Lightning would add its own, also to a batch log.
        enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in configured),
    )
    return trainer


class Clock:
    """Wall times of the parts of a run, in seconds."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """Name the time since the last lap."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._since, 3)
        self._since = now
