"""The network as a latent search goes through it: in eval mode, fixed, and a copy."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hepad.inference.folding import folded


class FrozenBatchNorm(nn.Module):
    """A batch normalisation in eval mode, written out: (x − μ)·w/√(σ² + ε) + b with the running μ and σ².

    In eval mode it is this affine map. Written out it costs under `vmap` two products; the rule `vmap` has for
    `batch_norm` copies statistics and input instead. The map is the same for any number of trailing axes.

    Args:
        norm: the batch normalisation; it must have running statistics.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        if norm.running_mean is None or norm.running_var is None:
            raise ValueError("a batch norm without running statistics gives no entry a score of its own")
        self.weight = norm.weight
        self.bias = norm.bias
        self.register_buffer("mean", norm.running_mean)
        self.register_buffer("scale", (norm.running_var + norm.eps).rsqrt())

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised `x` `(B, C, …)`."""
        shape = (-1, *(1,) * (x.ndim - 2))
        unit = (x - self.mean.reshape(shape)) * self.scale.reshape(shape)
        if self.weight is None:
            return unit
        # One operation, of those that are few enough to matter where every copy is small.
        return torch.addcmul(self.bias.reshape(shape), unit, self.weight.reshape(shape))


def frozen(network: nn.Module, code: Tensor, fold: bool) -> nn.Module:
    """Return a copy of `network` in eval mode whose weights no gradient reaches; `network` stays as it is.

    Args:
        network: any network of codes.
        code: `(1, *latent_shape)` any code; it says of which type and where the copy is.
        fold: take batch norms into the layers before them, where that can be done.
    """
    fixed = copy.deepcopy(network).eval().requires_grad_(False).to(device=code.device, dtype=code.dtype)
    if fold:
        fixed = folded(fixed, code)
    if isinstance(fixed, _BatchNorm):
        return FrozenBatchNorm(fixed)
    for parent in list(fixed.modules()):
        for name, child in parent.named_children():
            if isinstance(child, _BatchNorm):
                setattr(parent, name, FrozenBatchNorm(child))
    return fixed


def moving_weights(network: nn.Module, code: Tensor) -> dict[str, Tensor]:
    """Return the weights that an entry depends on, by name.

    A decoder may come with its encoder, of which no copies are needed.

    Args:
        network: a frozen network.
        code: `(1, *latent_shape)` any code.
    """
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in network.named_parameters()}
    with torch.enable_grad():
        entry = torch.func.functional_call(network, weights, (code,))
        gradients = torch.autograd.grad(entry.sum(), list(weights.values()), allow_unused=True)
    names = [name for name, gradient in zip(weights, gradients, strict=True) if gradient is not None]
    return {name: weights[name].detach() for name in names}
