"""Training of every model as users have it, beside the bare loop of the same network, epoch by epoch in turn."""

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from scripts.bench.bare import BareLoop, RecordedLoop
from scripts.bench.made_up import run_config, write_sample, write_targets
from scripts.bench.others import other_trainings
from scripts.bench.rounds import Row, rates, seconds_of, synchronize
from scripts.bench.settings import Settings

from hepad.config import RunConfig, compose
from hepad.config.registry import get_class
from hepad.core.files import Due
from hepad.core.float32 import exact_float32
from hepad.data import AnomalyDataModule
from hepad.logging.loggers import build_loggers, finish
from hepad.models import AnomalyModel
from hepad.run.building import assemble, build_model
from hepad.run.executing import fit
from hepad.run.workers import training_threads, use_threads

STEPS = "hepad"
EPOCHS = "hepad, with validation and checkpoints"
BARE = "bare loop"
GRAPHS = "bare loop as CUDA graph"


class InTurn(Callback):
    """Time the epochs of a training, and let other ways train an epoch between them.

    Args:
        others: way → one epoch of it.
        device: where all of them compute.
    """

    def __init__(self, others: dict[str, Callable[[], object]], device: str) -> None:
        self.others = others
        self.device = device
        self.seconds: dict[str, list[float]] = {way: [] for way in (STEPS, EPOCHS, *others)}
        self._began = 0.0
        self._trained = 0.0
        self._of_others = 0.0

    def own_clock(self) -> float:
        """Return seconds of hepad's training alone: its files are due by them, as they are where nobody else trains."""
        return time.monotonic() - self._of_others

    def _now(self) -> float:
        synchronize(self.device)
        return time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the epoch before, with all that followed it, let the others train, and begin this one."""
        self._end()
        for way, train_epoch in self.others.items():
            with torch.random.fork_rng(devices=[]):
                duration = seconds_of(train_epoch, self.device)
            self._of_others += duration
            if trainer.current_epoch:
                self.seconds[way].append(duration)
        self._began = self._now()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the time of the steps, all of which are done."""
        self._trained = self._now()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the last epoch."""
        self._end()

    def _end(self) -> None:
        if self._began:
            self.seconds[STEPS].append(self._trained - self._began)
            self.seconds[EPOCHS].append(self._now() - self._began)


def training(settings: Settings) -> Iterator[Row]:
    """Yield the rates of all models and batch sizes, in entries trained on per second."""
    for model in settings.models:
        for batch_size in settings.batch_sizes:
            yield from compare(model, batch_size, settings)


def compare(name: str, batch_size: int, settings: Settings, run: str = "training", others: bool = True) -> list[Row]:
    """Return the rows of one model with one size of batches; none where there are fewer entries than two batches.

    Args:
        name: of the model.
        batch_size: of its batches.
        settings: of the suite.
        run: how the run's directory begins.
        others: let other libraries train too, where they can and are there.
    """
    target = get_class(str(compose("train", [f"model={name}"]).data._target_))
    n = settings.entries_of(str(target.structure), batch_size)
    run_dir = settings.work / f"{run}_{name}_{batch_size}"
    source = write_sample(settings.work, str(target.structure), n)
    words = [f"model={name}", f"data.batch_size={batch_size}", *_targets(name, settings, source, n)]
    words += [f"trainer.accelerator={'gpu' if settings.device == 'cuda' else 'cpu'}", f"logger={settings.logger}"]
    # One epoch more, the first, warms up.
    words += [f"trainer.max_epochs={settings.rounds + 1}", "callbacks.early_stopping=null", "callbacks.progress=null"]
    run_dir.mkdir()
    config = run_config(run_dir, source, *words)
    parts = assemble(config, run_dir)
    loader = parts.data.train_dataloader()
    if len(parts.data.train_entries) < 2 * batch_size:
        return []
    with exact_float32():
        ways = _other_ways(name if others else "", config, parts.data, batch_size, settings)
    in_turn = InTurn(ways, settings.device)
    parts.trainer.callbacks.insert(0, in_turn)  # type: ignore[attr-defined]
    parts.trainer.loggers = build_loggers(config.loggers)
    # All ways with as many threads as hepad takes for such steps.
    threads = training_threads({}, parts, torch.get_num_threads())
    with patch.object(Due, "clock", in_turn.own_clock), exact_float32(), use_threads(threads):
        fit(parts, None)
    finish(parts.trainer.loggers, exit_code=0)
    seconds = {way: times[1:] if way in (STEPS, EPOCHS) else times for way, times in in_turn.seconds.items()}
    n_trained = len(loader) * batch_size
    case = f"{name}, batches of {batch_size}"
    return rates(case, "entries/s", dict.fromkeys(seconds, n_trained), seconds, (BARE, GRAPHS))


def _other_ways(
    name: str, config: RunConfig, data: AnomalyDataModule, batch_size: int, settings: Settings
) -> dict[str, Callable[[], object]]:
    model: AnomalyModel = build_model(config, data)
    entries = data.train_entries.batch
    others: dict[str, Callable[[], object]] = {}
    others[BARE] = BareLoop(copy.deepcopy(model), entries, batch_size, settings.device).train_epoch
    if name == "dense_ae":
        # Theirs are given what hepad's normaliser makes of the entries beforehand.
        with torch.no_grad():
            x = model.normalizer(entries.x).numpy()
        others |= other_trainings(x[: len(x) // batch_size * batch_size], batch_size, settings.device)
    if settings.device == "cuda" and model.automatic_optimization:
        recorded = RecordedLoop(model, entries, batch_size, settings.device)
        try:
            recorded.record()
        except RuntimeError as error:
            print(f"{name} cannot be recorded as a CUDA graph: {str(error).splitlines()[0]}")
        else:
            others[GRAPHS] = recorded.train_epoch
    return others


def _targets(name: str, settings: Settings, source: Path, n: int) -> list[str]:
    model: Any = get_class(str(compose("train", [f"model={name}"]).model._target_))
    if not model.learns_targets:
        return []
    return [f"data.targets={write_targets(settings.work / f'targets_{source.name}', source, n)}"]
