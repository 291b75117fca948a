"""Means over an epoch of what a training step logs: sums that stay on the device and are read once."""

from typing import Any

import torch
from torch import Tensor


class EpochMeans:
    """Weighted means over the steps of one epoch, name by name.

    Sums are added up in place, in the arithmetic of Lightning's own `log(…, on_epoch=True)`: the same bits, without its
    bookkeeping at every step, and without reading a value from a GPU. In place, so that a recorded step (a CUDA graph)
    adds to the same memory whenever it is played back.

    Attributes:
        entries: of the batch that `hepad.steps` trains on, what a mean logged without a `batch_size` counts; None where
            Lightning alone knows it.
        not_all: True once a training step has logged what is no mean over the epoch, and Lightning must see every step.

    >>> import torch
    >>> from hepad.models.epoch_means import EpochMeans
    >>> means = EpochMeans()
    >>> means.add("train/loss", torch.tensor(1.0), 30)
    >>> means.add("train/loss", torch.tensor(4.0), 10)
    >>> [(name, value.item()) for name, value, _ in means.take()]
    [('train/loss', 1.75)]
    >>> list(means.take())
    []
    """

    def __init__(self) -> None:
        self.entries: int | None = None
        self.not_all = False
        self._sums: dict[str, tuple[Tensor, Tensor]] = {}
        self._options: dict[str, dict[str, Any]] = {}

    def add(self, name: str, value: Tensor, weight: Tensor | float, options: dict[str, Any] | None = None) -> None:
        """Add one step.

        Args:
            name: of the mean.
            value: `()` mean over the batch.
            weight: what it counts: the number of entries, or the sum of their weights.
            options: how the mean is logged, kept from the first step.
        """
        value = value.detach()
        if name not in self._sums:
            dtype = value.dtype if value.dtype in (torch.float32, torch.float64) else torch.get_default_dtype()
            counts = isinstance(weight, int)
            self._sums[name] = (
                torch.zeros((), dtype=dtype, device=value.device),
                torch.zeros((), dtype=torch.int64 if counts else torch.get_default_dtype(), device=value.device),
            )
            self._options[name] = options or {}
        total, weights = self._sums[name]
        total.add_(value.to(total.dtype) * weight)
        weights.add_(weight)

    def take(self) -> list[tuple[str, Tensor, dict[str, Any]]]:
        """Return name, mean `()` and options of what was added since the last call, and begin again from zero."""
        found = []
        for name, (total, weights) in self._sums.items():
            if bool(weights != 0):
                found.append((name, total / weights, self._options[name]))
            total.zero_()
            weights.zero_()
        return found
