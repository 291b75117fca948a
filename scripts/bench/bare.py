"""The bare loop: the training step of a hepad model in plain PyTorch, with nothing around it."""

from typing import Any

import torch
from torch import Tensor

from hepad.core.batch import Batch, on_device, take_rows
from hepad.models import AnomalyModel


class BareLoop:
    """Epochs of a model's own training step: normaliser, network, loss, backward pass and fused Adam; no Lightning.

    Entries stay on the device, and a batch is one gather of a random permutation.

    Args:
        model: not yet trained; its logging is switched off.
        entries: on the CPU.
        batch_size: of every batch; a last, smaller one is left out, as in hepad.
        device: `cpu` or `cuda`.
    """

    capturable = False

    def __init__(self, model: AnomalyModel, entries: Batch, batch_size: int, device: str) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device).train()
        self.entries = on_device(entries, self.device)
        self.batch_size = batch_size
        silent: Any = self.model
        silent.log = lambda *args, **settings: None
        if model.automatic_optimization:
            self.optimizers = [self._adam(model.parameters())]
        else:
            self.optimizers = [self._adam(model.maker.parameters()), self._adam(model.discriminator.parameters())]
            silent.optimizers = lambda: self.optimizers
            silent.manual_backward = lambda loss: loss.backward()

    def _adam(self, parameters: Any) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, fused=True, capturable=self.capturable)

    def step(self, batch: Batch) -> None:
        """Take one step, or the steps of both sides of a game."""
        loss = self.model.training_step(batch, 0)
        if self.model.automatic_optimization:
            self.optimizers[0].zero_grad()
            loss.backward()
            self.optimizers[0].step()

    def batches(self) -> list[Tensor]:
        """Return the rows of each batch of one epoch."""
        order = torch.randperm(len(self.entries.x), device=self.device)
        return list(order.split(self.batch_size))[: len(order) // self.batch_size]

    def train_epoch(self) -> None:
        """Train on all entries once."""
        for rows in self.batches():
            self.step(take_rows(self.entries, rows))


class RecordedLoop(BareLoop):
    """The same loop with its step recorded once as a CUDA graph, gather included, and played back."""

    capturable = True

    def __init__(self, model: AnomalyModel, entries: Batch, batch_size: int, device: str) -> None:
        super().__init__(model, entries, batch_size, device)
        self.rows = torch.arange(batch_size, device=self.device)
        self.graph: torch.cuda.CUDAGraph | None = None

    def record(self) -> None:
        """Record the step after some that warm up; raise `RuntimeError` where it holds what cannot be recorded."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.step(take_rows(self.entries, self.rows))
        torch.cuda.current_stream().wait_stream(stream)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(take_rows(self.entries, self.rows))
        self.graph = graph

    def train_epoch(self) -> None:
        """Train on all entries once."""
        assert self.graph is not None
        for rows in self.batches():
            self.rows.copy_(rows)
            self.graph.replay()
