"""A trained scorer as a network for firmware: raw entries in, the normaliser folded into shifts and first weights."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from hepad.core.errors import UserError
from hepad.core.float32 import FLOAT32
from hepad.firmware.fixed_point import FloatArray
from hepad.firmware.layers import Conv, Dense, Flatten, Layer, MaxOverSlots, Network, Shift, SumOfSquares
from hepad.models import AnomalyModel, Distilled, VariationalAutoencoder
from hepad.nn import DeepSets, InputNormalizer
from hepad.nn.deep_sets import ConvStudent, DenseStudent
from hepad.nn.encoder_decoder import DenseEncoderDecoder

_CAN: Final = (
    "a student of any model (hepad.train model=distilled model.teacher=DIR), and a VAE with model.score=mu2 and "
    "model.network=dense"
)
_PRECISIONS: Final = (FLOAT32, "64-true")
_NORMALIZERS: Final = ("standard", "robust", "none")

Linears = Sequence[tuple[FloatArray, FloatArray]]


def fold(model: AnomalyModel) -> Network:
    """Return the network of a model, from raw entries to scores.

    With z = (x − c) / s and s ≈ 2⁻ᵏ the input is shifted by k, W takes the rest of 1 / s, and the bias −W c / s.
    Entries with slots have one feature more, 1 for real objects and 0 for empty slots, whose features are 0: biases
    that count for real objects alone are its weights. So an empty slot is 0 in every layer of φ, and takes no part in
    a maximum of values that a ReLU has made at least 0.

    Args:
        model: a student, or a VAE that is scored by Σμ².

    Raises:
        UserError: another model, or a part of it that has no exact form in sums of products and ReLU.
    """
    _refuse(model)
    normalizer = model.normalizer
    if isinstance(model, VariationalAutoencoder):
        encoder = model.network
        assert isinstance(encoder, DenseEncoderDecoder)
        linears = _linears(model, encoder.encoder)
        weight, bias = linears[-1]
        linears = [*linears[:-1], (weight[: model.latent], bias[: model.latent])]
        return Network(_input_shape(model), (*_whole_entry(model, linears), SumOfSquares()))
    assert isinstance(model, Distilled)
    scale, center = model.target_scale.double().item(), model.target_center.double().item()
    network = model.network
    if isinstance(network, DenseStudent):
        layers = _whole_entry(model, _scaled(_linears(model, network.layers), scale, center))
    elif isinstance(network, ConvStudent):
        layers = _filtered(normalizer, network, _scaled(_linears(model, network.layers), scale, center))
    else:
        last = _scaled(_linears(model, network.rho), scale, center)
        layers = _pooled(normalizer, _linears(model, network.phi), last)
    return Network(_input_shape(model), tuple(layers))


def as_given(model: AnomalyModel, x: Tensor, mask: Tensor | None) -> FloatArray:
    """Return entries as the network takes them: with a feature for real objects, images with channels last."""
    if x.ndim == 4:
        return x.movedim(1, -1).double().numpy()
    if x.ndim == 3:
        real = torch.ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
        kept = torch.where(real.unsqueeze(-1), x, torch.zeros_like(x))
        return torch.cat([kept, real.unsqueeze(-1).to(x)], dim=-1).double().numpy()
    return x.double().numpy()


def _refuse(model: AnomalyModel) -> None:
    name = type(model).__name__
    if isinstance(model, VariationalAutoencoder):
        if model.score != "mu2":
            raise UserError(
                f"model {name} with model.score={model.score}: its decoder is too large; {_CAN} can be firmware"
            )
        if type(model.network) is not DenseEncoderDecoder:
            raise UserError(f"model {name} with a network other than dense; {_CAN} can be firmware")
    elif not isinstance(model, Distilled):
        raise UserError(f"model {name} cannot be firmware; {_CAN} can")
    elif isinstance(model.network, DeepSets) and model.network.pool != "max":
        raise UserError("model.pool=mean divides by the number of objects; model.pool=max can be firmware")
    if model.precision not in _PRECISIONS:
        raise UserError(
            f"model {name}: trainer.precision={model.precision} rounds otherwise; "
            f"{' and '.join(_PRECISIONS)} can be firmware"
        )
    if model.normalizer.kind not in _NORMALIZERS:
        raise UserError(
            f"model.normalizer={model.normalizer.kind} is no shift and no product; "
            f"{', '.join(_NORMALIZERS)} can be firmware"
        )


def _linears(model: AnomalyModel, layers: nn.Module) -> list[tuple[FloatArray, FloatArray]]:
    """Return weights and biases of a perceptron, which must have a ReLU behind each layer but the last or all."""
    found = []
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            found.append((layer.weight.detach().double().cpu().numpy(), layer.bias.detach().double().cpu().numpy()))
        elif not isinstance(layer, nn.ReLU | nn.Dropout | nn.Sequential):
            raise UserError(
                f"model {type(model).__name__} with {type(layer).__name__}: only model.activation=relu can be firmware"
            )
    return found


def _scaled(linears: Linears, scale: float, center: float) -> Linears:
    weight, bias = linears[-1]
    return [*linears[:-1], (weight * scale, bias * scale + center)]


def _input_shape(model: AnomalyModel) -> tuple[int, ...]:
    shape = tuple(model.entry_shape)
    if len(shape) == 3:
        return (*shape[1:], shape[0])
    return (shape[0], shape[1] + 1) if len(shape) == 2 else shape


def _split(normalizer: InputNormalizer) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return for each feature k, the rest r with 1 / s = r · 2ᵏ, and c / s."""
    center, scale = (part.double().flatten().cpu().numpy() for part in (normalizer.center, normalizer.scale))
    exponents = np.round(-np.log2(scale))
    return exponents, 1 / (scale * np.exp2(exponents)), center / scale


def _stack(linears: Linears, relu_last: bool = False) -> list[Layer]:
    return [Dense(w, b, relu=relu_last or i < len(linears) - 1) for i, (w, b) in enumerate(linears)]


def _whole_entry(model: AnomalyModel, linears: Linears) -> list[Layer]:
    """Return a perceptron on whole entries, flattened."""
    shape = tuple(model.entry_shape)
    exponents, rest, offset = _split(model.normalizer)
    first, bias = linears[0]
    if len(shape) == 2:
        slots = first.reshape(-1, *shape)
        real = -(slots * offset).sum(axis=-1, keepdims=True)
        weight = np.concatenate([slots * rest, real], axis=-1).reshape(len(first), -1)
        return [Shift(np.append(exponents, 0.0)), Flatten(), *_stack([(weight, bias), *linears[1:]])]
    if len(shape) == 3:
        pixels = np.moveaxis(first.reshape(-1, *shape), 1, -1)
        weight, bias = (pixels * rest).reshape(len(first), -1), bias - (pixels * offset).sum(axis=(1, 2, 3))
        return [Shift(exponents), Flatten(), *_stack([(weight, bias), *linears[1:]])]
    # Features of `standard` and `robust` have one number each; `none` of any shape has one for all.
    return [Shift(exponents), *_stack([(first * rest, bias - first @ offset), *linears[1:]])]


def _filtered(normalizer: InputNormalizer, network: ConvStudent, linears: Linears) -> list[Layer]:
    """Return filters, then a perceptron."""
    if not isinstance(network.activation, nn.ReLU):
        raise UserError("only model.activation=relu can be firmware")
    exponents, rest, offset = _split(normalizer)
    weight = network.conv.weight.detach().double().cpu().numpy()
    conv = Conv(weight * rest[:, None, None], -(weight * offset[:, None, None]).sum(axis=(1, 2, 3)), relu=True)
    first, bias = linears[0]
    filters = len(weight)
    # PyTorch flattens filters first, firmware filters last.
    n = first.shape[1] // filters
    moved = first.reshape(-1, filters, n).transpose(0, 2, 1).reshape(len(first), -1)
    return [Shift(exponents), conv, Flatten(), *_stack([(moved, bias), *linears[1:]])]


def _pooled(normalizer: InputNormalizer, phi: Linears, rho: Linears) -> list[Layer]:
    """Return φ of every slot, whose biases are weights of the feature that is 1 for real objects; the maximum; ρ."""
    exponents, rest, offset = _split(normalizer)
    first, bias = phi[0]
    folded = [(first * rest, bias - first @ offset), *phi[1:]]
    layers: list[Layer] = [Shift(np.append(exponents, 0.0))]
    for i, (weight, bias) in enumerate(folded):
        with_real = np.column_stack([weight, bias])
        if i < len(folded) - 1:
            with_real = np.vstack([with_real, np.append(np.zeros(weight.shape[1]), 1.0)])
        layers.append(Dense(with_real, np.zeros(len(with_real)), relu=True))
    return [*layers, MaxOverSlots(), *_stack(rho)]
