"""From a config to the parts of a run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import lightning as L
import torch
from hydra.utils import get_class
from lightning.pytorch.callbacks import Callback, ProgressBar

from hepad.callbacks import Evaluate, History, ResumePoint
from hepad.callbacks.evaluate import resolve_references
from hepad.callbacks.history import EpochMeansFirst
from hepad.callbacks.resume_point import set_random_state
from hepad.checkpoints.training_checkpoint import AtomicCheckpointIO
from hepad.checks.combinations import validate
from hepad.checks.trainer_settings import SCORE_ALL, check_batches
from hepad.config import RunConfig
from hepad.config.registry import REFUSALS, instantiate, refusal
from hepad.core.errors import UserError
from hepad.core.late_import import is_loaded
from hepad.core.remote import is_remote
from hepad.data import AnomalyDataModule
from hepad.data.targets import prepare_targets
from hepad.inference import LatentSearchInference
from hepad.logging.loggers import quieten
from hepad.models import AnomalyModel
from hepad.models.decorrelation import Decorrelation
from hepad.nn.shared_batch_norm import SharedLayersSync
from hepad.run.interruption import OwnSignals
from hepad.run.nodes import check_launched, launcher
from hepad.steps import several_steps
from hepad.steps.compiled import CompiledNetworks

_UNLIMITED: Final = 10**18
_STRATEGIES: Final = ("auto", "ddp", "ddp_find_unused_parameters_true")


@dataclass(frozen=True)
class Parts:
    """All that a training is made of, the same in each of its processes; `remarks` are on the targets, if any."""

    data: AnomalyDataModule
    model: AnomalyModel
    remarks: list[str]
    evaluate: Evaluate
    history: History
    resume_point: ResumePoint
    trainer: L.Trainer


@dataclass(frozen=True)
class Handover:
    """Handover of the stages before a run to it, beside its config and its files.

    Attributes:
        facts: what its provenance should say of them.
        weights_from: the state of the random generators that the first weights are drawn from; None for the seed's.
        training_from: that from which it trains; None for what drawing the weights left.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    weights_from: dict[str, Any] | None = None
    training_from: dict[str, Any] | None = None


def assemble(cfg: RunConfig, run_dir: Path, handover: Handover | None = None) -> Parts:
    """Build every part of a run, so that whatever is wrong with the input is found before anything is written.

    Raises:
        UserError: the config or the data cannot be used.
    """
    data = read_data(cfg)
    if data.targets is not None:
        remarks = prepare_targets(data, cfg.model, f"data.targets={data.targets}")
    elif get_class(cfg.model.target).learns_targets:  # type: ignore[attr-defined]
        raise UserError(f"{cfg.model.target} learns targets: name a file of scores with data.targets=FILE")
    else:
        remarks = []
    return assemble_around(cfg, data, run_dir, remarks, handover)


def read_data(cfg: RunConfig) -> AnomalyDataModule:
    """Check a config, seed everything, and read its data; the first part of `assemble`."""
    quieten()
    validate(cfg)
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    data = build_data(cfg)
    resolve_references(cfg.evaluation.references, data.background, data.test_samples)
    check_batches(cfg, data)
    return data


def assemble_around(
    cfg: RunConfig, data: AnomalyDataModule, run_dir: Path, remarks: list[str], handover: Handover | None = None
) -> Parts:
    """Build what is made of the data; the second part of `assemble`."""
    handover = handover or Handover()
    if handover.weights_from is not None:
        set_random_state(handover.weights_from)
    model = build_model(cfg, data)
    if handover.training_from is not None:
        set_random_state(handover.training_from)
    inference = build_inference(cfg, model, data, run_dir)
    evaluate = build_evaluate(cfg, run_dir, inference)
    history = History(run_dir / "history.csv")
    resume_point = ResumePoint(run_dir / "checkpoints")
    around = [history, *([] if inference is None else [inference]), evaluate, resume_point, OwnSignals()]
    trainer = build_trainer(cfg, around)
    if trainer.world_size > 1 and not (model.automatic_optimization or model.averages_gradients):
        name = type(model).__name__
        raise UserError(f"{name} steps its optimisers itself and trains on one device; choose trainer.devices=1")
    if trainer.world_size > 1 and model.one_process:
        raise UserError(
            f"{type(model).__name__} keeps chains of one process and trains on one device; choose trainer.devices=1"
        )
    return Parts(data, model, remarks, evaluate, history, resume_point, trainer)


def build_data(cfg: RunConfig) -> AnomalyDataModule:
    """Build the datamodule of `cfg` and read its files."""
    data: AnomalyDataModule = instantiate(cfg.data)
    if cfg.decorrelate is not None:
        data.protect(cfg.decorrelate.variable, cfg.decorrelate.planing)
    data.setup()
    if data.streamed is not None:
        print(data.streamed.told, flush=True)
    return data


def with_memory(cfg: RunConfig, facts: Mapping[str, Any]) -> RunConfig:
    """Return the config that streams entries as a run's provenance says it did, whatever memory is free by now."""
    if "streamed" not in facts or cfg.data.get("memory") is not None:
        return cfg
    streamed = facts["streamed"]
    return cfg.changed({"data.memory": _UNLIMITED if streamed is None else streamed["memory"]})


def build_model(cfg: RunConfig, data: AnomalyDataModule) -> AnomalyModel:
    """Build the model of `cfg` for the entries of `data`, its normaliser fitted on training entries."""
    config = cfg.model.plain()
    for key in get_class(cfg.model.target).training_keys:  # type: ignore[attr-defined]
        config.pop(key, None)
    # Not recursive: the model keeps its parts' configs as plain hyperparameters and builds the parts itself.
    sizes: dict[str, Any] = {"entry_shape": list(data.entry_shape)}
    if get_class(cfg.model.target).context_use == "condition":  # type: ignore[attr-defined]
        sizes["context_size"] = len(data.context_names)
    model: AnomalyModel = instantiate({**config, "_recursive_": False}, **sizes)
    # The loggers get the whole config; the same numbers once more, without their section, would only mix with it.
    model._log_hyperparams = False
    if model.fits_all_entries:
        data.require_all(f"{type(model).__name__}, which is fitted to its training entries at once,")
    try:
        model.prepare(data.train_entries.batch)
    except ValueError as error:
        raise UserError(str(error)) from error
    if cfg.decorrelate is not None and cfg.decorrelate.weight:
        model.decorrelation = Decorrelation(cfg.decorrelate.variable, cfg.decorrelate.weight)
    model.optimizer_factory = instantiate(cfg.optimizer)
    model.scheduler_factory = instantiate(cfg.scheduler) if cfg.scheduler else None
    model.validated_every = cfg.trainer.check_val_every_n_epoch
    try:
        # Their values are looked at no earlier than when weights are given to them.
        model.configure_optimizers()
    except REFUSALS as error:
        raise UserError(f"optimizer or scheduler: {refusal(error)}") from error
    return model


def build_evaluate(cfg: RunConfig, directory: Path, inference: LatentSearchInference | None) -> Evaluate:
    """Return the callback that evaluates a run and writes what it finds to `directory`."""
    settings = cfg.evaluation
    return Evaluate(
        directory, settings.references, list(settings.fprs), inference, settings.symmetry_entries, cfg.sculpted
    )


def build_inference(
    cfg: RunConfig, model: AnomalyModel, data: AnomalyDataModule, directory: Path
) -> LatentSearchInference | None:
    """Build what makes the scores in place of one pass through the model; None for that pass.

    Args:
        cfg: the config.
        model: the model whose scores are made; one that cannot be searched is refused.
        data: what is searched for; a loss that is not for such entries is refused.
        directory: where findings are kept until all are there.
    """
    if cfg.inference is None:
        return None
    inference: LatentSearchInference = instantiate(cfg.inference, directory=directory)
    inference.check(model, data)
    inference.choose_entries(model, data)
    return inference


def build_trainer(cfg: RunConfig, callbacks: Sequence[Callback]) -> L.Trainer:
    """Build the trainer of `cfg` with its own callbacks and the given ones; loggers are set when all else is sound."""
    configured: list[Callback] = [callback for entry in cfg.callbacks.values() if (callback := instantiate(entry))]
    settings = cfg.trainer.plain()
    steps = settings.pop("steps_per_execution", None)
    if settings.pop("compile", False):
        callbacks = [*callbacks, CompiledNetworks()]
    environment = launcher(cfg.trainer.num_nodes)
    trainer: L.Trainer = instantiate(
        {**settings, **SCORE_ALL, **_set_determinism(cfg.trainer)},
        logger=False,
        plugins=[AtomicCheckpointIO(), environment, SharedLayersSync()],
        callbacks=[EpochMeansFirst(), *configured, *callbacks],
        # Without a bar among the callbacks Lightning would add its own, also to a batch log.
        enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in configured),
    )
    check_launched(trainer, environment)
    check_processes(trainer, cfg.trainer.strategy, cfg.data.batch_size)
    return several_steps(trainer, steps)


def _set_determinism(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Do what `Trainer(deterministic=…)` does, and return what to tell the trainer.

    `torch.use_deterministic_algorithms` imports the whole compiler, in 2 s, for a setting of that; here it is left to a
    variable until the compiler is needed.
    """
    wanted, benchmark = trainer.get("deterministic"), trainer.get("benchmark")
    if wanted is None or is_loaded("torch._inductor"):
        return {}
    torch.set_deterministic_debug_mode({True: "error", "warn": "warn"}.get(wanted, "default"))
    os.environ["TORCHINDUCTOR_DETERMINISTIC"] = "1" if wanted else "0"
    if wanted:
        # https://docs.nvidia.com/cuda/cublas/index.html#cublasApi_reproducibility
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return {"deterministic": None, "benchmark": False if wanted and benchmark is None else benchmark}


def check_processes(trainer: L.Trainer, strategy: str, batch_size: int) -> None:
    """Raise `UserError` for several processes that cannot share the work."""
    if trainer.world_size == 1:
        return
    if strategy not in _STRATEGIES:
        raise UserError(f"trainer.strategy={strategy}: several devices take ddp; allowed: {', '.join(_STRATEGIES)}")
    if batch_size % trainer.world_size:
        raise UserError(
            f"data.batch_size={batch_size} cannot be shared evenly by {trainer.world_size} processes; "
            "choose a multiple, or another trainer.devices"
        )


def with_absolute_paths(cfg: RunConfig) -> RunConfig:
    """Return the config with the user's paths absolute, so that it holds wherever the run is resumed from."""
    paths = {"data.samples": _absolute(cfg.data.samples)}
    if cfg.data.targets is not None:
        paths["data.targets"] = _absolute(cfg.data.targets)
    if (preset := cfg.data.format) is not None and preset.endswith((".yaml", ".yml")):
        paths["data.format"] = _absolute(preset)
    for name, logger in cfg.loggers.items():
        if "store" in logger:
            paths[f"logger.{name}.store"] = _absolute(logger["store"])
    return cfg.changed(paths)


def _absolute(given: Any) -> Any:
    """Return a path, or all paths of lists and mappings, as absolute ones."""
    if isinstance(given, Mapping):
        return {name: _absolute(part) for name, part in given.items()}
    if isinstance(given, list):
        return [_absolute(part) for part in given]
    if given is None or is_remote(str(given)):
        return given
    return str(Path(given).expanduser().absolute())
