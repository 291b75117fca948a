"""Layers of which a scorer in firmware is made: sums of products, and what costs none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hepad.firmware.fixed_point import FloatArray


@dataclass(frozen=True, eq=False)
class Shift:
    """y = 2^k · x for each feature or channel: another place of the binary point, no multiplier.

    Attributes:
        exponents: k `(C,)`, whole numbers, of the last axis.
    """

    exponents: FloatArray

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return `(B, …, C)` for `x` `(B, …, C)`."""
        return x * np.exp2(self.exponents)


@dataclass(frozen=True, eq=False)
class Dense:
    """y = W x + b on the last axis, with a ReLU behind it or without.

    Attributes:
        weight: `(n_out, n_in)`.
        bias: `(n_out,)`.
        relu: whether negative sums become 0.
    """

    weight: FloatArray
    bias: FloatArray
    relu: bool

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the sums `(B, …, n_out)` of `x` `(B, …, n_in)`, before the ReLU."""
        return x @ self.weight.T + self.bias


@dataclass(frozen=True, eq=False)
class Conv:
    """Filters of 2 × 2 pixels, two pixels apart; an odd last row or column is left out.

    Attributes:
        weight: `(n_out, C, 2, 2)`.
        bias: `(n_out,)`.
        relu: whether negative sums become 0.
    """

    weight: FloatArray
    bias: FloatArray
    relu: bool

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the sums `(B, H / 2, W / 2, n_out)` of `x` `(B, H, W, C)`, before the ReLU."""
        n, height, width, channels = x.shape
        blocks = x[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels)
        sums: FloatArray = np.einsum("nhiwjc,ocij->nhwo", blocks, self.weight, optimize=True) + self.bias
        return sums


@dataclass(frozen=True)
class MaxOverSlots:
    """The largest value of all slots, for each feature."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return `(B, F)` for `x` `(B, S, F)`."""
        largest: FloatArray = x.max(axis=1)
        return largest


@dataclass(frozen=True)
class Flatten:
    """All axes of an entry as one."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return `(B, S · F)` for `x` `(B, S, F)`."""
        return x.reshape(len(x), -1)


@dataclass(frozen=True)
class SumOfSquares:
    """Σ x², the score Σμ² of an encoder."""

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return `(B, 1)` for `x` `(B, L)`."""
        sums: FloatArray = np.square(x).sum(axis=1, keepdims=True)
        return sums


Layer = Shift | Dense | Conv | MaxOverSlots | Flatten | SumOfSquares
COMPUTING = (Shift, Dense, Conv, SumOfSquares)
"""Layers whose result is rounded; the others pass on what they are given."""


@dataclass(frozen=True, eq=False)
class Network:
    """Layers one after the other, from raw entries to scores.

    Attributes:
        input_shape: shape of one entry.
        layers: in their order.

    >>> import numpy as np
    >>> from hepad.firmware.layers import Dense, Network, Shift
    >>> doubled = Shift(np.array([1.0, 1.0]))
    >>> network = Network((2,), (doubled, Dense(np.array([[1.0, -1.0]]), np.array([0.5]), relu=True)))
    >>> network.score(np.array([[3.0, 1.0], [1.0, 3.0]])).tolist()
    [4.5, 0.0]
    """

    input_shape: tuple[int, ...]
    layers: Sequence[Layer]

    def results(self, x: FloatArray) -> list[FloatArray]:
        """Return what every layer computes of entries `x` `(B, *input_shape)`, before its ReLU."""
        found = []
        for layer in self.layers:
            y = layer(x)
            found.append(y)
            x = np.maximum(y, 0.0) if isinstance(layer, Dense | Conv) and layer.relu else y
        return found

    def score(self, x: FloatArray) -> FloatArray:
        """Return the scores `(B,)` of entries, in float64."""
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Dense | Conv) and layer.relu:
                x = np.maximum(x, 0.0)
        return x[:, 0]
