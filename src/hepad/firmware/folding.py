"""A trained scorer as a network for firmware: raw entries in, the normaliser folded into shifts and first weights."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from hepad.core.errors import UserError
from hepad.core.float32 import FLOAT32
from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.firmware.layers import Conv, Dense, Flatten, Layer, MaxOverSlots, Network, Shift, SumOfSquares
from hepad.firmware.rounding import RoundedNetwork
from hepad.models import AnomalyModel, Distilled, VariationalAutoencoder
from hepad.nn.fixed_point import FixedPointForward
from hepad.nn.folding import FOLDED_NORMALIZERS, FoldedLayer, as_folded_input, input_powers

_CAN: Final = (
    "a student of any model (hepad.train model=distilled model.teacher=DIR), and a VAE with model.score=mu2 and "
    "model.network=dense"
)
_PRECISIONS: Final = (FLOAT32, "64-true")


def fold(model: AnomalyModel) -> Network:
    """Return the network of a model, from raw entries to scores (`hepad.nn.folding`), in floats.

    Args:
        model: a student, or a VAE that is scored by Σμ².

    Raises:
        UserError: another model, or a part of it that has no exact form in sums of products and ReLU.
    """
    layers = _folded(model, input_powers(model.normalizer))
    return Network(_input_shape(model), tuple(_as_numbers(layer) for layer in layers))


def trained_numbers(model: AnomalyModel) -> RoundedNetwork | None:
    """Return the network of a model that was trained in fixed-point numbers, in these; None of one that was not.

    Raises:
        UserError: see `fold`.
    """
    numbers = getattr(model, "fixed_point", None)
    if not isinstance(numbers, FixedPointForward):
        return None
    folded = _folded(model, numbers.powers)
    layers, weights, biases, results = [], [], [], []
    with torch.no_grad():
        for i, layer in enumerate(folded):
            has_weights = layer.kind in ("dense", "conv")
            layers.append(_as_numbers(numbers.with_numbers(layer, i) if has_weights else layer))
            weights.append(_format(numbers.bits, numbers.weight_reach[i]) if has_weights else None)
            biases.append(_format(numbers.score_bits, numbers.bias_reach[i]) if has_weights else None)
            results.append(_format(numbers.widths[i], numbers.result_reach[i]) if layer.computes else None)
    whole = _format(1, numbers.input_reach).integer
    given = FixedPoint(1 + int(torch.log2(numbers.input_reach / numbers.input_step).round()), whole)
    return RoundedNetwork(
        Network(_input_shape(model), tuple(layers)), given, tuple(weights), tuple(biases), tuple(results)
    )


def as_given(model: AnomalyModel, x: Tensor, mask: Tensor | None) -> FloatArray:
    """Return entries as the network takes them: with a feature for real objects, images with channels last."""
    given: FloatArray = as_folded_input(x, mask).numpy()
    return given


def _folded(model: AnomalyModel, powers: Tensor) -> list[FoldedLayer]:
    name = type(model).__name__
    if not isinstance(model, Distilled | VariationalAutoencoder):
        raise UserError(f"model {name} cannot be firmware; {_CAN} can")
    if model.precision not in _PRECISIONS:
        raise UserError(
            f"model {name}: trainer.precision={model.precision} rounds otherwise; "
            f"{' and '.join(_PRECISIONS)} can be firmware"
        )
    if model.normalizer.kind not in FOLDED_NORMALIZERS:
        raise UserError(
            f"model.normalizer={model.normalizer.kind} is no shift and no product; "
            f"{', '.join(FOLDED_NORMALIZERS)} can be firmware"
        )
    try:
        with torch.no_grad():
            return model.folded(powers)
    except ValueError as error:
        raise UserError(f"model {name} cannot be firmware: {error}; {_CAN} can") from error


def _as_numbers(layer: FoldedLayer) -> Layer:
    def numbers(part: Tensor | None) -> Any:
        assert part is not None
        return part.detach().double().cpu().numpy()

    if layer.kind == "shift":
        # Of a power of two, 0.5 · 2^e.
        return Shift(np.frexp(numbers(layer.weight))[1] - 1.0)
    if layer.kind == "dense":
        return Dense(numbers(layer.weight), numbers(layer.bias), layer.relu)
    if layer.kind == "conv":
        return Conv(numbers(layer.weight), numbers(layer.bias), layer.relu)
    if layer.kind == "squares":
        return SumOfSquares()
    return MaxOverSlots() if layer.kind == "max" else Flatten()


def _format(width: int, reach: Tensor) -> FixedPoint:
    """Return numbers from −`reach`, a power of two."""
    return FixedPoint(width, int(np.frexp(reach.item())[1]))


def _input_shape(model: AnomalyModel) -> tuple[int, ...]:
    shape = tuple(model.entry_shape)
    if len(shape) == 3:
        return (*shape[1:], shape[0])
    return (shape[0], shape[1] + 1) if len(shape) == 2 else shape
