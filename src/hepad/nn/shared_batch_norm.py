"""Batch normalisation over the batch of all processes of a training, on any device."""

from typing import Any

import torch
from torch import Tensor, distributed, nn


class _SumOverProcesses(torch.autograd.Function):
    """Σ_r x_r; each x_r enters the loss of every process, so its gradient is the sum of all of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        return total


def sum_over_processes(x: Tensor) -> Tensor:
    """Return the sum of the tensors that all processes give, with gradients; every process must call this."""
    total: Tensor = _SumOverProcesses.apply(x)  # type: ignore[no-untyped-call]
    return total


class _SharedStatistics(nn.modules.batchnorm._BatchNorm):
    """Normalises with the mean and the variance of all processes' entries together, in training.

    The shares must be equally large. `torch.nn.SyncBatchNorm` does the same, on GPUs alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised `x` `(B, C, …)`; the statistics are those of each channel."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        assert self.momentum is not None
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1] + [1] * (x.ndim - 2)
        n = x.numel() // x.shape[1] * distributed.get_world_size()
        mean = sum_over_processes(x.sum(axes)) / n
        centered = x - mean.view(shape)
        variance = sum_over_processes(centered.square().sum(axes)) / n
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked += 1
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * (n / max(n - 1, 1)), self.momentum)
        y = centered * torch.rsqrt(variance + self.eps).view(shape)
        weighted: Tensor = y * self.weight.view(shape) + self.bias.view(shape)
        return weighted


class SharedBatchNorm1d(_SharedStatistics, nn.BatchNorm1d):
    """`BatchNorm1d` over all processes."""


class SharedBatchNorm2d(_SharedStatistics, nn.BatchNorm2d):
    """`BatchNorm2d` over all processes."""


_SHARED: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: SharedBatchNorm1d,
    nn.BatchNorm2d: SharedBatchNorm2d,
}


def share_batch_norm(model: nn.Module) -> None:
    """Let every batch normalisation of `model` take its statistics from all processes; weights and names stay."""
    _change_classes(model, _SHARED)


def unshare_batch_norm(model: nn.Module) -> None:
    """Undo `share_batch_norm`."""
    _change_classes(model, {shared: plain for plain, shared in _SHARED.items()})


def _change_classes(model: nn.Module, classes: dict[type[nn.Module], type[nn.Module]]) -> None:
    for module in model.modules():
        # The two classes of a pair hold the same parameters and buffers and differ in `forward` alone.
        module.__class__ = classes.get(type(module), type(module))
