"""Training steps recorded as CUDA graphs and played back: a small network's step is launched as one.

A step of a small network is some hundred kernels of a few microseconds, and Python needs longer to launch each than the
GPU to run it. A recording is launched at once (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). What it
reads and writes lies where it lay when it was recorded: a batch is copied into the first one's memory, optimisers count
and keep their learning rate on the device, and the sums of an epoch are added up in place (`hepad.models.epoch_means`).
"""

import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

import lightning as L
import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import one_line
from hepad.data.loader import BatchLoader
from hepad.models import AnomalyModel

WARM_UP: Final = 3
"""Steps of each kind that are taken before one is recorded, so that the memory and the choices of libraries settle."""

SHARE: Final = 0.5
"""Share of a device's free memory that entries may take."""

Step = Callable[[Batch, int], Tensor | None]


class CudaGraph:
    """One recorded step on a CUDA device; a test puts something else in its place."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    @staticmethod
    def warm_up(step: Callable[[], Tensor | None]) -> Tensor | None:
        """Take a step on a stream beside the usual one, as recording wants it."""
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            loss = step()
        torch.cuda.current_stream().wait_stream(beside)
        return loss

    def record(self, step: Callable[[], Tensor | None]) -> Tensor | None:
        """Record a step without taking it; returns where its loss will lie."""
        torch.cuda.synchronize()
        with torch.cuda.graph(self._graph):
            return step()

    def play(self) -> None:
        """Take the step that was recorded."""
        self._graph.replay()


@dataclass
class _Recording:
    """Steps of one kind: how many were taken before recording, and then the graph with its memory."""

    warm: int = 0
    graph: CudaGraph | None = None
    batch: Batch | None = None
    loss: Tensor | None = None
    optimizer_steps: int = 0


class RecordedSteps:
    """Training steps, played back wherever they were recorded, taken as usual wherever they cannot be.

    Args:
        trainer: on a CUDA device, about to train an `AnomalyModel`.
        step: one step, of all optimisers whose turn it is.
        counted: Lightning's progress of optimiser steps, where the step itself counts them (manual optimisation).
        graph: what records.

    Attributes:
        reason: why nothing is recorded; empty where something is.
    """

    def __init__(self, trainer: L.Trainer, step: Step, counted: Any = None, graph: type[CudaGraph] = CudaGraph) -> None:
        assert isinstance(trainer.lightning_module, AnomalyModel)
        self.model = trainer.lightning_module
        self.step = step
        self.counted = counted
        self.graph = graph
        self.optimizers = trainer.optimizers
        self.reason = untold_steps(self.model) or prepare_optimizers(trainer.optimizers, trainer.strategy.root_device)
        self._recordings: dict[Hashable, _Recording] = {}
        if self.reason:
            self._say()

    def __call__(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Take the step of a batch on the device; returns its loss `()`, which the next step writes over."""
        if self.reason:
            return self.step(batch, batch_idx)
        shapes = tuple(None if field is None else tuple(field.shape) for field in batch)
        found = self._recordings.setdefault((self.model.step_kind(batch_idx), shapes), _Recording())
        if found.graph is None:
            if found.warm < WARM_UP:
                found.warm += 1
                return self.graph.warm_up(lambda: self.step(batch, batch_idx))
            if not self._record(found, batch, batch_idx):
                return self.step(batch, batch_idx)
        assert found.graph is not None
        assert found.batch is not None
        for kept, given in zip(found.batch, batch, strict=True):
            if kept is not None and given is not None:
                kept.copy_(given, non_blocking=True)
        found.graph.play()
        self._count(found.optimizer_steps)
        return found.loss

    def _record(self, recording: _Recording, batch: Batch, batch_idx: int) -> bool:
        """Record a step; False, and one line, where it cannot be, and every step is taken as usual from then on."""
        recording.batch = Batch(*(None if field is None else field.clone() for field in batch))  # type: ignore[arg-type]
        before = 0 if self.counted is None else self.counted.total.completed
        for optimizer in self.optimizers:
            # Gradients get the recording's memory.
            optimizer.zero_grad(set_to_none=True)
        graph = self.graph()
        kept = recording.batch
        try:
            recording.loss = graph.record(lambda: self.step(kept, batch_idx))
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            self.reason = one_line(error)
            self._say()
            for optimizer in self.optimizers:
                optimizer.zero_grad(set_to_none=True)
            return False
        finally:
            # What was recorded was not taken.
            taken = 0 if self.counted is None else self.counted.total.completed - before
            self._count(-taken)
        recording.graph, recording.optimizer_steps = graph, taken
        return True

    def _count(self, steps: int) -> None:
        if self.counted is not None:
            for progress in (self.counted.total, self.counted.current):
                progress.ready += steps
                progress.completed += steps

    def _say(self) -> None:
        print(f"warning: steps are not recorded as CUDA graphs: {self.reason}", file=sys.stderr, flush=True)


def untold_steps(model: AnomalyModel) -> str:
    """Return why nobody knows which steps of a model compute the same; empty where the model or hepad says so.

    >>> from hepad.models import DenseAutoencoder
    >>> from hepad.steps.recorded import untold_steps
    >>> untold_steps(DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}))
    ''
    """
    kind = type(model)
    if kind.__module__.startswith("hepad.") or kind.step_kind is not AnomalyModel.step_kind:
        return ""
    return f"{kind.__name__} has no step_kind that says which of them compute the same"


def prepare_optimizers(optimizers: list[torch.optim.Optimizer], device: torch.device) -> str:
    """Let optimisers count on their device, and read their learning rate there, so that a recording sees it change.

    Returns why that cannot be; empty where it can. On a CPU what an earlier training on a GPU has left is taken back.
    """
    on_gpu = device.type == "cuda"
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if on_gpu and not ("capturable" in group and type(optimizer).__module__.startswith("torch.optim.")):
                return f"{type(optimizer).__name__} cannot be"
            if on_gpu:
                group["capturable"] = True
                group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=device)
            else:
                if group.get("capturable"):
                    group["capturable"] = False
                group["lr"] = float(group["lr"])
        for state in optimizer.state.values():
            if "step" in state and isinstance(state["step"], Tensor):
                state["step"] = state["step"].to(device)
    return ""


def place_entries(trainer: L.Trainer, device: torch.device, free: int) -> None:
    """Let the entries that train and validate live on the device, if they take no more than their share of it.

    Args:
        trainer: with its loaders.
        device: where the model is.
        free: bytes that are free there.
    """
    loaders = [trainer.train_dataloader, *_listed(trainer.val_dataloaders)]
    ours = [loader for loader in loaders if isinstance(loader, BatchLoader)]
    size = sum(loader.nbytes for loader in ours)
    if size > SHARE * free:
        print(
            f"the entries ({size / 1e9:.1f} GB) stay in the computer's memory: they may take {SHARE:.0%} of the "
            f"{free / 1e9:.1f} GB that are free on the device",
            flush=True,
        )
        return
    for loader in ours:
        loader.to(device)


def _listed(loaders: Any) -> list[Any]:
    return [] if loaders is None else list(loaders) if isinstance(loaders, list | tuple) else [loaders]
