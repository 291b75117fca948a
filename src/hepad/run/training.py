"""One run from a config: read, train, evaluate, write."""

import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import WandbLogger
from omegaconf import DictConfig, OmegaConf

from hepad.callbacks import Evaluate
from hepad.callbacks.evaluate import resolve_references
from hepad.data import AnomalyDataModule
from hepad.files import atomic_write_text
from hepad.metrics import Evaluation
from hepad.models import AnomalyModel
from hepad.registry import instantiate
from hepad.run.provenance import provenance, write_provenance
from hepad.run.validation import validate, validate_run_dir


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves in memory; all of it is also in `run_dir`."""

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
    quieten_lightning()
    validate_run_dir(run_dir)
    validate(cfg)
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    data = build_data(cfg)
    evaluate = Evaluate(run_dir, cfg.evaluation.references, list(cfg.evaluation.fprs))
    resolve_references(evaluate.references, data.background, data.test_samples)
    model = build_model(cfg, data)

    run_dir.mkdir(parents=True, exist_ok=True)
    atomic_write_text(run_dir / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    facts = provenance(data, cfg.seed)
    facts["parameters"] = sum(p.numel() for p in model.parameters())
    write_provenance(run_dir, facts)
    clock.lap("set_up")
    loggers = [logger for entry in cfg.logger.values() if entry and (logger := instantiate(entry))]
    try:
        callbacks = [instantiate(entry) for entry in cfg.callbacks.values() if entry]
        trainer: L.Trainer = instantiate(
            cfg.trainer,
            logger=loggers or False,
            callbacks=[*callbacks, evaluate],
            # Without a bar among the callbacks Lightning would add its own, also to a batch log.
            enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in callbacks),
        )
        trainer.fit(model, datamodule=data, weights_only=True)
        clock.lap("train")
        trainer.test(model, datamodule=data, ckpt_path="best", weights_only=True, verbose=False)
        clock.lap("evaluate")
        facts |= {"status": "finished", "epochs": trainer.current_epoch, "seconds": clock.laps}
        write_provenance(run_dir, facts)
    except BaseException as error:
        facts |= {"status": "failed", "reason": f"{type(error).__name__}: {error}", "seconds": clock.laps}
        write_provenance(run_dir, facts)
        finish(loggers, exit_code=1)
        raise
    finish(loggers, exit_code=0)
    assert evaluate.evaluation is not None
    return TrainingResult(run_dir=run_dir, evaluation=evaluate.evaluation, seconds=clock.laps)


def build_data(cfg: DictConfig) -> AnomalyDataModule:
    """Build the datamodule of `cfg` and read its files."""
    data: AnomalyDataModule = instantiate(cfg.data)
    data.setup()
    return data


def build_model(cfg: DictConfig, data: AnomalyDataModule) -> AnomalyModel:
    """Build the model of `cfg` for the entries of `data`, its normaliser fitted on the training part."""
    config = OmegaConf.to_container(cfg.model, resolve=True)
    assert isinstance(config, dict)
    model: AnomalyModel = instantiate({**config, "_recursive_": False}, entry_shape=list(data.entry_shape))
    model.normalizer.fit(data.train_entries.batch.x, data.train_entries.batch.mask)
    model.optimizer_factory = instantiate(cfg.optimizer)
    model.scheduler_factory = instantiate(cfg.scheduler) if cfg.scheduler else None
    return model


def quieten_lightning() -> None:
    """Silence Lightning's hints on hardware, and a deprecation inside Lightning that a user cannot act on."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")


def finish(loggers: list[Any], exit_code: int) -> None:
    """Close the W&B runs; one left open would swallow the next job of a sweep."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish(exit_code=exit_code)


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
