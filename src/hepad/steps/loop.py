"""Lightning's loop over the batches of an epoch, with several optimiser steps per call (Keras' `steps_per_execution`).

Small networks spend most of their time between steps: Lightning calls every hook of every callback around each of them.
Here it does so around the last step of a block; those before are taken one after the other with nothing in between. The
batches, their order, the random numbers and the arithmetic are the same, and so are the weights, bit by bit on a CPU.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import lightning as L
import torch
from lightning.pytorch.loops.optimization.automatic import _AutomaticOptimization
from lightning.pytorch.loops.optimization.manual import _ManualOptimization
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor, nn
from torch.optim import Optimizer

from hepad.core.batch import Batch
from hepad.data.loader import BatchLoader
from hepad.models import AnomalyModel
from hepad.models.epoch_means import EpochMeans
from hepad.steps.conditions import one_by_one
from hepad.steps.fused_adam import FusedAdam
from hepad.steps.recorded import CudaGraph, RecordedSteps, Step, place_entries, prepare_optimizers

SECONDS: Final = 0.25
"""About how long Lightning waits for a block where the user names no number of steps; no number depends on it."""


def several_steps(trainer: L.Trainer, steps: int | None = None) -> L.Trainer:
    """Let a trainer take several optimiser steps per call of its loop, wherever that changes nothing.

    Args:
        trainer: one that has not trained yet.
        steps: of a block; the last of an epoch may have fewer. None for as many as take a quarter of a second.

    Raises:
        ValueError: fewer than one step.

    >>> import lightning as L
    >>> from hepad.steps import several_steps
    >>> several_steps(L.Trainer(logger=False, accelerator="cpu"), 16).fit_loop.epoch_loop.steps
    16
    """
    trainer.fit_loop.epoch_loop = SeveralSteps(trainer, steps)
    return trainer


class SeveralSteps(_TrainingEpochLoop):
    """The loop over the batches of an epoch; one by one where something wants to look at every step.

    Args:
        trainer: whose loop it replaces.
        steps: of a block; None for as many as take `SECONDS`.

    Attributes:
        reason: why steps are taken one by one; empty where they are not, or nothing has trained yet.
        recorded: the recorded steps of the last training; None where nothing records.
    """

    def __init__(self, trainer: L.Trainer, steps: int | None = None) -> None:
        if steps is not None and steps < 1:
            raise ValueError(f"steps_per_execution={steps}; at least 1 is needed")
        plain = trainer.fit_loop.epoch_loop
        super().__init__(trainer, min_steps=plain.min_steps, max_steps=plain.max_steps)
        self.steps = steps
        self.reason = ""
        self.recorded: RecordedSteps | None = None
        self.automatic_optimization: _OneOptimizer = _OneOptimizer(trainer)
        self.manual_optimization: _OwnSteps = _OwnSteps(trainer)
        self._decided = False
        self._begin: Callable[[], None] | None = None

    def teardown(self) -> None:
        """Leave the model to whoever trains it next, and be ready for another."""
        if isinstance(self.trainer.lightning_module, AnomalyModel):
            self.trainer.lightning_module.epoch_means.entries = None
        self._decided, self._begin = False, None
        self.automatic_optimization.step = self.manual_optimization.step = None
        super().teardown()

    def on_run_start(self, data_fetcher: Any) -> None:
        """Find out, once per training, whether blocks change anything, and whether steps can be recorded."""
        if not self._decided:
            self._decided = True
            self._decide()
        super().on_run_start(data_fetcher)

    def _decide(self) -> None:
        trainer = self.trainer
        self.recorded = None
        self.reason = one_by_one(trainer)
        device = trainer.strategy.root_device
        if device.type != "cuda":
            prepare_optimizers(trainer.optimizers, device)
        if self.reason:
            self._say()
            return
        _means_of(trainer).not_all = False
        if device.type == "cuda" and self.steps != 1:
            place_entries(trainer, device, torch.cuda.mem_get_info(device)[0])
            self._begin = partial(self.use_steps, CudaGraph)
        else:
            self._begin = self.use_steps

    def _say(self) -> None:
        if self.steps is not None and self.steps > 1:
            print(f"trainer.steps_per_execution={self.steps}: one step at a time, for {self.reason}", flush=True)

    def _first_step(self, data_fetcher: Any) -> None:
        """Take the first step as Lightning does, and find out from what it logs whether the others need to be."""
        super().advance(data_fetcher)
        begin, self._begin = self._begin, None
        if _means_of(self.trainer).not_all:
            self.reason = "a value that is logged at every step"
            self._say()
        elif begin is not None:
            begin()

    def use_steps(self, graph: type[CudaGraph] | None = None) -> None:
        """Take steps without what Lightning does around each; recorded, where there is something that records them."""
        automatic, manual = self.automatic_optimization, self.manual_optimization
        by_lightning = not self.trainer.lightning_module.automatic_optimization
        step: Step = manual.by_lightning if by_lightning else QuickStep(self.trainer)
        if graph is not None:
            counted = manual.optim_step_progress if by_lightning else None
            step = self.recorded = RecordedSteps(self.trainer, step, counted, graph)
        if by_lightning:
            manual.step = step
        else:
            automatic.step = step

    def advance(self, data_fetcher: Any) -> None:
        """Take the steps of a block, the last of them with all that Lightning does around a step."""
        if self._begin is not None and not self.restarting:
            self._first_step(data_fetcher)
            return
        if self._decided and not self.reason and not self.restarting:
            self._take_all_but_the_last(data_fetcher)
        super().advance(data_fetcher)

    def _take_all_but_the_last(self, data_fetcher: Any) -> None:
        loader = self.trainer.train_dataloader
        assert isinstance(loader, BatchLoader)
        left = min(self.trainer.num_training_batches - self.batch_progress.current.ready, self._steps_left()) - 1
        count = left if self.steps is None else min(left, self.steps - 1)
        until = math.inf if self.steps is not None else time.monotonic() + SECONDS
        taken = 0
        while taken < count and time.monotonic() < until:
            batch = loader.next_batch()
            data_fetcher.fetched += 1
            self._one(batch)
            taken += 1

    def _one(self, batch: Batch) -> None:
        progress, trainer = self.batch_progress, self.trainer
        progress.increment_ready()
        progress.increment_started()
        if batch.x.device != trainer.strategy.root_device:
            batch = trainer.strategy.batch_to_device(batch)
        batch = trainer.precision_plugin.convert_input(batch)
        if trainer.lightning_module.automatic_optimization:
            self.automatic_optimization.take(batch, self.batch_idx)
        else:
            self.manual_optimization.run(OrderedDict(batch=batch, batch_idx=self.batch_idx))
        progress.increment_processed()
        progress.increment_completed()
        # What loggers count by.
        self._batches_that_stepped += 1

    def _steps_left(self) -> float:
        return math.inf if self.max_steps == -1 else self.max_steps - self.global_step


class _OneOptimizer(_AutomaticOptimization):
    """Steps of a model with one optimiser: as Lightning takes them, or by `step` where nothing looks between."""

    step: Step | None = None

    def run(self, optimizer: Optimizer, batch_idx: int, kwargs: OrderedDict[str, Any]) -> dict[str, Any]:
        """Take the step that Lightning calls for."""
        batch = next(iter(kwargs.values()))
        if self.step is None:
            _count_entries(self.trainer, batch)
            return super().run(optimizer, batch_idx, kwargs)
        return {"loss": self.take(batch, batch_idx)}

    def take(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Take a step and count it; returns the loss `()`."""
        assert self.step is not None
        _count_entries(self.trainer, batch)
        loss = self.step(batch, batch_idx)
        for counted in (self.optim_progress.optimizer.zero_grad, self.optim_progress.optimizer.step):
            for progress in (counted.total, counted.current):
                progress.ready += 1
                progress.completed += 1
        return loss


class _OwnSteps(_ManualOptimization):
    """Steps of a model that steps its optimisers itself: by Lightning, or by `step`."""

    step: Step | None = None

    def run(self, kwargs: OrderedDict[str, Any]) -> dict[str, Any]:
        """Take the step of a batch."""
        batch, batch_idx = (*kwargs.values(), 0)[:2]
        _count_entries(self.trainer, batch)
        if self.step is None:
            return super().run(kwargs)
        self.step(batch, batch_idx)
        return {}

    def by_lightning(self, batch: Batch, batch_idx: int) -> None:
        """Take the step as Lightning does, which counts those of the optimisers."""
        super().run(OrderedDict(batch=batch, batch_idx=batch_idx))


def _count_entries(trainer: L.Trainer, batch: Any) -> None:
    if isinstance(batch, Batch) and isinstance(trainer.lightning_module, AnomalyModel):
        trainer.lightning_module.epoch_means.entries = len(batch.x)


def _means_of(trainer: L.Trainer) -> EpochMeans:
    model = trainer.lightning_module
    assert isinstance(model, AnomalyModel)
    return model.epoch_means


class QuickStep:
    """Loss, gradient, clipping and optimiser of one batch, with nothing around them.

    Args:
        trainer: that trains an `AnomalyModel` with one optimiser.
    """

    def __init__(self, trainer: L.Trainer) -> None:
        assert isinstance(trainer.lightning_module, AnomalyModel)
        self.model = trainer.lightning_module
        optimizer = trainer.optimizers[0]
        self.update = FusedAdam(optimizer) if trainer.strategy.root_device.type == "cpu" else optimizer.step
        self.context = trainer.precision_plugin.train_step_context
        self.clip = trainer.gradient_clip_val
        self.parameters = [weights for group in optimizer.param_groups for weights in group["params"]]
        self.by_index = is_param_in_hook_signature(self.model.training_step, "batch_idx", min_args=2)

    def __call__(self, batch: Batch, batch_idx: int) -> Tensor:
        """Take the step; returns the loss `()`."""
        with self.context():
            output = self.model.training_step(*((batch, batch_idx) if self.by_index else (batch,)))
        loss: Tensor = output["loss"] if isinstance(output, dict) else output
        for weights in self.parameters:
            weights.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.update()
        return loss.detach()
