"""Layers whose statistics and random numbers are those of the batch of all processes, on any device."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, distributed, nn

from hepad.core.gathering import draw_for_batch


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

    `torch.nn.SyncBatchNorm` does the same, on GPUs alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised `x` `(B, C, …)`; the statistics are those of each channel."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        assert self.momentum is not None
        # Counts of entries, too, would be rounded in half precision.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1] + [1] * (x.ndim - 2)
        # Counted, as the shares may differ: of events, by the slots that are empty.
        own = wide.new_tensor([x.numel() // x.shape[1]])
        sums = sum_over_processes(torch.cat([wide.sum(axes), own]))
        n = sums[-1].detach().clamp(min=1)
        mean = sums[:-1] / n
        centered = wide - mean.view(shape)
        variance = sum_over_processes(centered.square().sum(axes)) / n
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked += 1
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * (n / (n - 1).clamp(min=1)), self.momentum)
        y = centered * torch.rsqrt(variance + self.eps).view(shape)
        weighted: Tensor = y * self.weight.view(shape) + self.bias.view(shape)
        return weighted.to(x.dtype)


class SharedBatchNorm1d(_SharedStatistics, nn.BatchNorm1d):
    """`BatchNorm1d` over all processes."""


class SharedBatchNorm2d(_SharedStatistics, nn.BatchNorm2d):
    """`BatchNorm2d` over all processes."""


SHARED_BATCH_NORM: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: SharedBatchNorm1d,
    nn.BatchNorm2d: SharedBatchNorm2d,
}


class SharedDropout(nn.Dropout):
    """Dropout with the mask that one process would draw for the whole batch."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` `(B, …)` with some elements set to 0 and the others scaled, in training."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        return x * draw_for_batch(
            lambda shape: super(SharedDropout, self).forward(x.new_ones(shape)), x.shape, x.device
        )


class SharedDropout2d(nn.Dropout2d):
    """The same for whole channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` `(B, C, H, W)` with some channels set to 0 and the others scaled, in training."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        kept = (*x.shape[:2], 1, 1)
        return x * draw_for_batch(lambda shape: super(SharedDropout2d, self).forward(x.new_ones(shape)), kept, x.device)


SHARED_DROPOUT: dict[type[nn.Module], type[nn.Module]] = {
    nn.Dropout: SharedDropout,
    nn.Dropout2d: SharedDropout2d,
}


_SHARED: Final = {**SHARED_BATCH_NORM, **SHARED_DROPOUT}


class SharedLayersSync(LayerSync):
    """Batch normalisation and dropout over the whole batch, so that training on several devices is training on one."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Share; weights and names stay."""
        _change_classes(model, _SHARED)
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Undo it."""
        _change_classes(model, {shared: plain for plain, shared in _SHARED.items()})
        return model


def _change_classes(model: nn.Module, classes: Mapping[type[nn.Module], type[nn.Module]]) -> None:
    for module in model.modules():
        # The two classes of a pair hold the same parameters and buffers and differ in `forward` alone.
        module.__class__ = classes.get(type(module), type(module))
