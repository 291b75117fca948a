"""The network as a latent search goes through it: in eval mode, fixed, batch normalisations taken into their layers."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized


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


def folded(network: nn.Module, code: Tensor) -> nn.Module:
    """Return a network in eval mode without the batch norms that follow a linear layer or convolution in a sequence.

    In eval mode such a norm multiplies every output by a number and adds one, and so can its layer. What the network
    makes of some codes tells whether that was right: a layer that is used twice cannot take in one of two norms.

    Args:
        network: in eval mode, its weights fixed; it stays as it is.
        code: `(1, *latent_shape)` any code.
    """
    shorter = copy.deepcopy(network)
    for sequence in list(shorter.modules()):
        if type(sequence) is nn.Sequential:
            _fold_in(sequence)
    numbers = torch.Generator().manual_seed(0)
    codes = torch.randn(4, *code.shape[1:], generator=numbers).to(code)
    with torch.no_grad():
        expected = network(codes)
        found = shorter(codes)
    rounding = 1e3 * torch.finfo(expected.dtype).eps * float(expected.abs().max())
    return shorter if torch.allclose(found, expected, rtol=0, atol=rounding) else network


def _fold_in(sequence: nn.Sequential) -> None:
    layer: nn.Module | None = None
    for name, child in list(sequence.named_children()):
        if isinstance(child, nn.Unflatten):
            # Between a linear layer and the norm of the channels it makes.
            continue
        if isinstance(child, _BatchNorm) and layer is not None and _takes_in(layer, child):
            setattr(sequence, name, nn.Identity())
        layer = child


def _takes_in(layer: nn.Module, norm: _BatchNorm) -> bool:
    """Let a layer do what a norm does after it; return whether it can."""
    if norm.running_mean is None or norm.running_var is None or is_parametrized(layer):
        return False
    transposed = isinstance(layer, _ConvTransposeNd)
    if isinstance(layer, nn.Linear):
        outputs = layer.out_features
    elif isinstance(layer, _ConvNd) and not (transposed and layer.groups > 1):
        outputs = layer.out_channels
    else:
        return False
    repeats, rest = divmod(outputs, norm.num_features)
    if rest:
        return False
    # A linear layer before an `Unflatten` makes several outputs of each channel.
    mean, var, weight, bias = (
        None if x is None else x.repeat_interleave(repeats)
        for x in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    fused = fuse_conv_bn_weights(layer.weight, layer.bias, mean, var, norm.eps, weight, bias, transposed)
    layer.weight, layer.bias = (part.requires_grad_(False) for part in fused)
    return True
