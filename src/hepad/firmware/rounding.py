"""A network in fixed-point numbers: which numbers each layer has, and what comes out, to the bit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.firmware.layers import COMPUTING, Conv, Dense, Layer, Network, Shift, SumOfSquares

LARGEST_WIDTH = 20
"""Of a number: sums of products of two of them, some hundreds, are exact in float64."""

_LARGEST_INPUT = 32
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class RoundedNetwork:
    """A network whose weights and results are fixed-point numbers; sums of products are exact.

    Attributes:
        network: with rounded weights.
        given: numbers of the input.
        weights, biases, results: numbers of each layer, None where it has none.
    """

    network: Network
    given: FixedPoint
    weights: tuple[FixedPoint | None, ...]
    biases: tuple[FixedPoint | None, ...]
    results: tuple[FixedPoint | None, ...]

    @property
    def score_format(self) -> FixedPoint:
        """The numbers that scores are."""
        last = self.results[-1]
        assert last is not None
        return last

    def score(self, x: FloatArray) -> FloatArray:
        """Return the scores `(B,)` of raw entries `(B, *input_shape)`, as firmware computes them."""
        parts = [self._score(x[start : start + _ROWS]) for start in range(0, len(x), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _score(self, x: FloatArray) -> FloatArray:
        x = self.given.nearest(x)
        for layer, result in zip(self.network.layers, self.results, strict=True):
            x = layer(x)
            if result is not None:
                x = result.nearest(x)
            if isinstance(layer, Dense | Conv) and layer.relu:
                x = np.maximum(x, 0.0)
        return x[:, 0]


def rounded(
    network: Network,
    width: int,
    background: FloatArray,
    headroom: int = 1,
    input_width: int = 16,
    score_width: int = 16,
) -> RoundedNetwork:
    """Return a network in numbers of `width` bits that reach as far as weights do, and as results on the background do.

    The input has as many bits as the first layer can make use of, 32 at most. A result before a ReLU has a bit more,
    for its sign.

    Args:
        network: to be rounded after training.
        width: bits of each weight and result, at most 20.
        input_width: bits of the shifted input; those of `width` where these are more.
        score_width: bits of biases, of the score and of what is squared for it, with which no weight is multiplied;
            those of `width` where these are more.
        background: entries `(N, *input_shape)` in raw units.
        headroom: bits of results above the largest of the background, for what is more anomalous; what is larger still
            saturates. Below 0 results saturate within the background, and have finer steps. Input, score, and what is
            squared for it have 1 at least.

    Raises:
        ValueError: a width below 2 or above 20.

    >>> import numpy as np
    >>> from hepad.firmware.layers import Dense, Network, Shift
    >>> from hepad.firmware.rounding import rounded
    >>> network = Network((2,), (Shift(np.zeros(2)), Dense(np.array([[0.3, -1.0]]), np.zeros(1), relu=False)))
    >>> x = np.array([[3.0, 1.0]])
    >>> network.score(x).round(3), rounded(network, 6, x).score(x), rounded(network, 16, x).score(x).round(3)
    (array([-0.1]), array([-0.0625]), array([-0.1]))
    """
    if not 2 <= width <= LARGEST_WIDTH:
        raise ValueError(f"width={width}; 2 to {LARGEST_WIDTH} bits are possible")
    reached = _reached(network, background)
    layers, weights, biases, results = [], [], [], []
    last = len(network.layers) - 1
    for i, (layer, largest) in enumerate(zip(network.layers, reached, strict=True)):
        found, weight, bias = _rounded_weights(layer, width, max(width, score_width))
        wide = i in (0, last) or isinstance(network.layers[min(i + 1, last)], SumOfSquares)
        bits = max(width, input_width if i == 0 else score_width) if wide else width
        largest = largest * 2.0 ** (max(1, headroom) if wide else headroom)
        layers.append(found)
        weights.append(weight)
        biases.append(bias)
        signed = bits + (isinstance(layer, Dense | Conv) and layer.relu)
        results.append(FixedPoint.holding(largest, signed) if isinstance(layer, COMPUTING) else None)
    given = _input_format(network, results, background * 2.0 ** max(1, headroom))
    return RoundedNetwork(
        Network(network.input_shape, tuple(layers)), given, tuple(weights), tuple(biases), tuple(results)
    )


def _reached(network: Network, background: FloatArray) -> list[FloatArray]:
    """Return the largest size `(1,)` of each layer's results."""
    parts = [
        [np.abs(result).max() for result in network.results(background[start : start + _ROWS])]
        for start in range(0, len(background), _ROWS)
    ]
    return [np.array([size]) for size in np.array(parts).max(axis=0)]


def _rounded_weights(layer: Layer, width: int, bias_width: int) -> tuple[Layer, FixedPoint | None, FixedPoint | None]:
    if not isinstance(layer, Dense | Conv):
        return layer, None, None
    weight, bias = FixedPoint.holding(layer.weight, width), FixedPoint.holding(layer.bias, bias_width)
    return replace(layer, weight=weight.nearest(layer.weight), bias=bias.nearest(layer.bias)), weight, bias


def _input_format(network: Network, results: list[FixedPoint | None], background: FloatArray) -> FixedPoint:
    shift, result = network.layers[0], results[0]
    assert isinstance(shift, Shift)
    assert result is not None
    whole = FixedPoint.holding(background, 1).integer
    fraction = result.width - result.integer + int(shift.exponents.max())
    return FixedPoint(min(_LARGEST_INPUT, max(2, whole + fraction)), whole)


def formats(found: RoundedNetwork) -> Iterator[tuple[Layer, FixedPoint | None, FixedPoint | None, FixedPoint | None]]:
    """Yield each layer with the numbers of its weights, biases and results."""
    yield from zip(found.network.layers, found.weights, found.biases, found.results, strict=True)
