"""A network and its input normaliser as one: raw entries in, the normaliser folded into shifts and first weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from hepad.nn.normalizer import InputNormalizer

Linears = Sequence[tuple[Tensor, Tensor]]

FOLDED_NORMALIZERS = ("standard", "robust", "none")
"""Kinds that are a shift and a product of each feature, which the first layer can take over."""


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    """One layer of a folded network, in float64; gradients reach the parameters it is made of.

    Attributes:
        kind: `shift` y = 2ᵏ x of each feature, `dense` and `conv` y = W x + b, `max` over slots, `flatten`, and
            `squares` Σ x².
        weight: 2ᵏ `(C,)` of a shift; W `(n_out, n_in)` of `dense`, `(n_out, C, 2, 2)` of `conv`, whose blocks of 2 × 2
            pixels do not overlap.
        bias: `(n_out,)`.
        relu: whether negative sums become 0.
    """

    kind: Literal["shift", "dense", "conv", "max", "flatten", "squares"]
    weight: Tensor | None = None
    bias: Tensor | None = None
    relu: bool = False

    @property
    def computes(self) -> bool:
        """Return whether it gives numbers that are not among those it was given."""
        return self.kind not in ("max", "flatten")

    def __call__(self, x: Tensor) -> Tensor:
        """Return what it computes of `x`, images with channels last, before its ReLU."""
        if self.kind == "max":
            return x.amax(dim=1)
        if self.kind == "flatten":
            return x.flatten(1)
        if self.kind == "squares":
            return x.square().sum(dim=1, keepdim=True)
        assert self.weight is not None
        if self.kind == "shift":
            return x * self.weight
        assert self.bias is not None
        if self.kind == "dense":
            return x @ self.weight.T + self.bias
        n, height, width, channels = x.shape
        blocks = x[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels)
        # One row of a matrix for each block: channel, row, column, as in the weights.
        rows = blocks.permute(0, 1, 3, 5, 2, 4).reshape(n, height // 2, width // 2, -1)
        return rows @ self.weight.flatten(1).T + self.bias

    def with_numbers(self, weight: Tensor, bias: Tensor) -> "FoldedLayer":
        """Return the layer with other weights and biases."""
        return replace(self, weight=weight, bias=bias)


def input_powers(normalizer: InputNormalizer) -> Tensor:
    """Return 2ᵏ next to 1 / s for each feature or channel, `(C,)` float64.

    >>> from hepad.nn import InputNormalizer
    >>> from hepad.nn.folding import input_powers
    >>> input_powers(InputNormalizer("none", (3,))).tolist()
    [1.0, 1.0, 1.0]
    """
    scale = normalizer.scale.double().flatten()
    # A power of two is exact by ldexp of the C library, which not every exp2 promises.
    exponents = np.round(-np.log2(scale.cpu().numpy())).astype(int)
    return torch.from_numpy(np.ldexp(1.0, exponents)).to(scale.device)


def as_folded_input(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return entries as a folded network takes them, in float64.

    Images have channels last. Slots have one feature more, `(B, S, F + 1)`, 1 for real objects; all of an empty slot
    is 0.
    """
    if x.ndim == 4:
        return x.movedim(1, -1).double()
    if x.ndim == 3:
        real = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        kept = torch.where(real.unsqueeze(-1), x, torch.zeros_like(x))
        return torch.cat([kept, real.unsqueeze(-1).to(x)], dim=-1).double()
    return x.double()


def linears_of(layers: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return weights and biases of a perceptron in float64.

    Raises:
        ValueError: something else than linear layers, ReLU and dropout.
    """
    found = []
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            found.append((layer.weight.double(), layer.bias.double()))
        elif not isinstance(layer, nn.ReLU | nn.Dropout | nn.Sequential):
            raise ValueError(f"{type(layer).__name__} has no fixed-point form; model.activation=relu has one")
    return found


def scaled(linears: Linears, scale: Tensor, center: Tensor) -> Linears:
    """Return a perceptron whose output is y · scale + center."""
    weight, bias = linears[-1]
    return [*linears[:-1], (weight * scale.double(), bias * scale.double() + center.double())]


def fold_entry(
    normalizer: InputNormalizer, powers: Tensor, shape: tuple[int, ...], linears: Linears
) -> list[FoldedLayer]:
    """Return a perceptron on whole entries, flattened.

    With z = (x − c) / s and s ≈ 2⁻ᵏ the input is shifted by k, W takes the rest of 1 / s, and the bias −W c / s. The
    bias of a slot that counts for a real object alone is the weight of a feature that is 1 for it.

    Args:
        normalizer: one of `FOLDED_NORMALIZERS`.
        powers: 2ᵏ of each feature (`input_powers`).
        shape: of an entry.
        linears: weights and biases of the layers.

    >>> import torch
    >>> from hepad.nn import InputNormalizer, mlp
    >>> from hepad.nn.folding import fold_entry, input_powers, linears_of
    >>> x, layers = torch.tensor([[20.0, 0.1], [40.0, 0.3]]), mlp([2, 1], "relu")
    >>> normalizer = InputNormalizer("standard", (2,)).fit(x)
    >>> shift, dense = fold_entry(normalizer, input_powers(normalizer), (2,), linears_of(layers))
    >>> shift.weight.tolist()
    [0.125, 8.0]
    >>> torch.allclose(dense(shift(x.double())).float(), layers(normalizer(x)))
    True
    """
    rest, offset = _split(normalizer, powers)
    first, bias = linears[0]
    if len(shape) == 2:
        slots = first.reshape(-1, *shape)
        real = -(slots * offset).sum(dim=-1, keepdim=True)
        weight = torch.cat([slots * rest, real], dim=-1).flatten(1)
        return [_shift(powers, 1), FoldedLayer("flatten"), *_stack([(weight, bias), *linears[1:]])]
    if len(shape) == 3:
        pixels = first.reshape(-1, *shape).movedim(1, -1)
        weight, bias = (pixels * rest).flatten(1), bias - (pixels * offset).sum(dim=(1, 2, 3))
        return [_shift(powers), FoldedLayer("flatten"), *_stack([(weight, bias), *linears[1:]])]
    # Features of `standard` and `robust` have one number each; `none` of any shape has one for all.
    return [_shift(powers), *_stack([(first * rest, bias - first @ offset), *linears[1:]])]


def fold_filters(normalizer: InputNormalizer, powers: Tensor, conv: Tensor, linears: Linears) -> list[FoldedLayer]:
    """Return filters `conv` `(n, C, 2, 2)` without bias, then a perceptron on what they give, flattened."""
    rest, offset = _split(normalizer, powers)
    weight = conv.double()
    filters = FoldedLayer(
        "conv", weight * rest[:, None, None], -(weight * offset[:, None, None]).sum(dim=(1, 2, 3)), relu=True
    )
    first, bias = linears[0]
    # PyTorch flattens filters first, a folded network last.
    moved = first.reshape(len(first), len(weight), -1).transpose(1, 2).flatten(1)
    return [_shift(powers), filters, FoldedLayer("flatten"), *_stack([(moved, bias), *linears[1:]])]


def fold_slots(normalizer: InputNormalizer, powers: Tensor, phi: Linears, rho: Linears) -> list[FoldedLayer]:
    """Return φ of every slot, whose biases are weights of the feature that is 1 for real objects; the maximum; ρ.

    An empty slot is 0 in every layer of φ, and takes no part in a maximum of values that a ReLU has made at least 0.
    """
    rest, offset = _split(normalizer, powers)
    first, bias = phi[0]
    folded = [(first * rest, bias - first @ offset), *phi[1:]]
    layers = [_shift(powers, 1)]
    for i, (weight, bias) in enumerate(folded):
        with_real = torch.cat([weight, bias.unsqueeze(1)], dim=1)
        if i < len(folded) - 1:
            one = with_real.new_zeros(1, with_real.shape[1])
            one[0, -1] = 1
            with_real = torch.cat([with_real, one])
        layers.append(FoldedLayer("dense", with_real, with_real.new_zeros(len(with_real)), relu=True))
    return [*layers, FoldedLayer("max"), *_stack(rho)]


def _split(normalizer: InputNormalizer, powers: Tensor) -> tuple[Tensor, Tensor]:
    """Return for each feature the rest r with 1 / s = r · 2ᵏ, and c / s."""
    center, scale = (part.double().flatten() for part in (normalizer.center, normalizer.scale))
    return 1 / (scale * powers), center / scale


def _shift(powers: Tensor, more: int = 0) -> FoldedLayer:
    return FoldedLayer("shift", torch.cat([powers, powers.new_ones(more)]))


def _stack(linears: Linears) -> list[FoldedLayer]:
    return [FoldedLayer("dense", w, b, relu=i < len(linears) - 1) for i, (w, b) in enumerate(linears)]
