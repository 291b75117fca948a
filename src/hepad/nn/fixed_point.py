"""Training in fixed-point numbers: each weight and result is rounded as firmware rounds it, gradients pass by."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, distributed

from hepad.nn.exact import ExactBuffers
from hepad.nn.folding import FoldedLayer

WIDEST_INPUT: Final = 32
LARGEST_BITS: Final = 20
"""Of a number: sums of products of two of them, some hundreds, are exact in float64."""

_FORGETS = 0.999
_ROWS = 8192


def nearest(x: Tensor, width: int, reach: Tensor) -> Tensor:
    """Return the nearest of signed fixed-point numbers, halves upward; what is too large becomes the largest.

    The numbers are −`reach` to `reach` − `step` in steps of 2^(1 − width) · `reach`, a power of two:
    `ap_fixed<width, I, AP_RND, AP_SAT>` of Vitis HLS with 2^(I − 1) = `reach`. The gradient is that of a number which
    is not rounded, and 0 beyond the range (Bengio, Léonard and Courville, arXiv:1308.3432).

    >>> import torch
    >>> from hepad.nn.fixed_point import nearest
    >>> nearest(torch.tensor([0.3, 0.375, -0.375, 7.0, -7.0]), 4, torch.tensor(2.0))
    tensor([ 0.2500,  0.5000, -0.2500,  1.7500, -2.0000])
    """
    half, step = 2.0 ** (width - 1), reach * 2.0 ** (1 - width)
    rounded = torch.floor(x.detach() / step + 0.5).clamp(-half, half - 1) * step
    if not x.requires_grad:
        return rounded
    inside = torch.minimum(torch.maximum(x, -reach), reach - step)
    # The difference is 0 to the bit; only its gradient counts.
    return rounded + (inside - inside.detach())


class FixedPointForward(ExactBuffers):
    """A folded network computed in fixed-point numbers, to the bit as firmware does it, and trained in them.

    Weights and results of a layer have `bits` each, results before a ReLU one more for their sign. Their binary points
    follow what is there: the largest weight, and the largest result that training entries reached lately. They are set
    in training and kept in buffers, so that a checkpoint scores as its firmware does. All is computed in float64, in
    which sums of such products are exact in any order.

    Args:
        layers: the folded layers, for what they are; their weights are given with each batch.
        n_channels: number C of features or channels of the input normaliser.
        bits: of weights and results, 2 to 20.
        input_bits: of the shifted input, 2 to 20.
        score_bits: of biases, of the last result, and of what is squared for it: of what no weight is multiplied with;
            2 to 20.
        headroom: bits above the largest result of the training entries; below 0, results saturate within these, and
            have finer steps. Input, score, and what is squared for it have 1 at least.

    Raises:
        ValueError: bits out of range.

    >>> import torch
    >>> from hepad.nn.fixed_point import FixedPointForward
    >>> from hepad.nn.folding import FoldedLayer
    >>> one = torch.ones(1, dtype=torch.float64)
    >>> layers = [FoldedLayer("shift", one), FoldedLayer("dense", 0.3 * one.view(1, 1), 0 * one)]
    >>> network = FixedPointForward(layers, 1, bits=4, score_bits=8)
    >>> network(layers, 3 * one.view(1, 1))[-1]
    tensor([[0.9375]], dtype=torch.float64)
    """

    powers: Tensor
    input_reach: Tensor
    input_step: Tensor
    reached_input: Tensor
    reached: Tensor
    weight_reach: Tensor
    bias_reach: Tensor
    result_reach: Tensor

    def __init__(
        self,
        layers: Sequence[FoldedLayer],
        n_channels: int,
        bits: int,
        input_bits: int = 16,
        score_bits: int = 16,
        headroom: int = 1,
    ) -> None:
        super().__init__()
        for name, given in (("bits", bits), ("input_bits", input_bits), ("score_bits", score_bits)):
            if not 2 <= given <= LARGEST_BITS:
                raise ValueError(f"{name}={given}; 2 to {LARGEST_BITS} are possible")
        # What a ReLU lets through needs no sign: the bit is only there before it. Of squares the input is wide as well.
        wide = 2 if layers[-1].kind == "squares" else 1
        self.widths = [input_bits, *(bits + layer.relu for layer in layers[1:-wide]), *[score_bits] * wide]
        self.headrooms = [max(1, headroom), *[headroom] * len(layers[1:-wide]), *[max(1, headroom)] * wide]
        self.bits = bits
        self.score_bits = score_bits
        self.register_buffer("powers", torch.ones(n_channels, dtype=torch.float64))
        for name in ("input_reach", "input_step", "reached_input"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))
        for name in ("reached", "weight_reach", "bias_reach", "result_reach"):
            self.register_buffer(name, torch.zeros(len(layers), dtype=torch.float64))

    def forward(self, layers: Sequence[FoldedLayer], x: Tensor) -> list[Tensor]:
        """Return what each layer gives, behind its ReLU, of entries `x` `(B, *input_shape)`, float64."""
        if self.training:
            self._follow_input(layers[0], x)
        x = self._input(x)
        found = []
        for i, layer in enumerate(layers):
            if layer.kind in ("dense", "conv"):
                layer = self.with_numbers(layer, i)
            y = layer(x)
            if layer.computes:
                if self.training and i:
                    self._follow_result(y, i)
                y = nearest(y, self.widths[i], self.result_reach[i].clone())
            x = y.relu() if layer.relu else y
            found.append(x)
        return found

    def with_numbers(self, layer: FoldedLayer, i: int) -> FoldedLayer:
        """Return layer `i` with weights and biases in its numbers, whose binary points move only in training."""
        assert layer.weight is not None
        assert layer.bias is not None
        if self.training:
            self.weight_reach[i] = power_above(layer.weight.detach().abs().max())
            self.bias_reach[i] = power_above(layer.bias.detach().abs().max())
        return layer.with_numbers(
            nearest(layer.weight, self.bits, self.weight_reach[i].clone()),
            nearest(layer.bias, self.score_bits, self.bias_reach[i].clone()),
        )

    @torch.no_grad()
    def start(self, layers: Sequence[FoldedLayer], x: Tensor) -> None:
        """Set all binary points by training entries `x` `(N, *input_shape)`, before the first step."""
        was_training = self.training
        self.train()
        for rows in torch.split(x, _ROWS):
            self(layers, rows)
        self.train(was_training)

    def _input(self, x: Tensor) -> Tensor:
        low, high = -self.input_reach, self.input_reach - self.input_step
        return torch.clamp(torch.floor(x / self.input_step + 0.5) * self.input_step, low, high)

    @torch.no_grad()
    def _follow_input(self, shift: FoldedLayer, x: Tensor) -> None:
        """Widen the input's range, in steps as fine as the first layer can make use of."""
        assert shift.weight is not None
        self.reached_input.copy_(_latest(self.reached_input, x))
        reach = power_above(self.reached_input) * 2.0 ** self.headrooms[0]
        self._follow_result(x * shift.weight, 0)
        step = self.result_reach[0] * 2.0 ** (1 - self.widths[0]) / shift.weight.max()
        self.input_reach.copy_(reach)
        self.input_step.copy_(step.clamp(reach * 2.0 ** (1 - WIDEST_INPUT), reach / 2))

    @torch.no_grad()
    def _follow_result(self, y: Tensor, i: int) -> None:
        largest = _latest(self.reached[i], y)
        self.reached[i] = largest
        self.result_reach[i] = power_above(largest) * 2.0 ** self.headrooms[i]


def power_above(size: Tensor) -> Tensor:
    """Return the smallest power of two above a size, 1 for 0; exact.

    >>> import torch
    >>> [power_above(torch.tensor(size)).item() for size in (0.0, 0.3, 0.5, 3.0, 4.0)]
    [1.0, 0.5, 1.0, 4.0, 8.0]
    """
    mantissa, _ = torch.frexp(size)
    return torch.where(size > 0, size / mantissa, torch.ones_like(size))


def _latest(before: Tensor, values: Tensor) -> Tensor:
    """Return the largest size lately: of these values, in all processes, or what is left of an earlier one."""
    largest = values.detach().abs().max()
    if distributed.is_initialized():
        distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
    return torch.maximum(largest, before * _FORGETS)
