"""Batch normalisations taken into the layers before them, where no weight moves."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized


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
