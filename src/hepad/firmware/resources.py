"""Resources that a rounded network takes of an FPGA, as far as they can be counted without a vendor's tools."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.firmware.fixed_point import FixedPoint, FloatArray
from hepad.firmware.layers import Conv, Dense, MaxOverSlots, Shift, SumOfSquares
from hepad.firmware.rounding import RoundedNetwork, formats


@dataclass(frozen=True)
class LayerCost:
    """Counts of one layer, where every product has a multiplier of its own (reuse factor 1).

    Attributes:
        name: what the layer is.
        result: the numbers that it gives.
        multipliers: products with a weight that is neither 0 nor a power of two, over all positions; of a sum of
            squares, its squares.
        shifts: products with a power of two, which are wires.
        zeros: products with a weight that was rounded to 0, which are left out.
        weight_bits: bits of weights and biases.
        bit_operations: Σ over products of the bits of the weight, from its first that is 1 to its last, times those of
            the other factor: the EBOPs of Sun et al., arXiv:2405.00645, after whom they are about the look-up tables,
            and 55 for each DSP slice, that a synthesised network takes.
        depth: levels of the tree of additions or comparisons, ⌈log₂ of their number⌉.
    """

    name: str
    result: str
    multipliers: int
    shifts: int
    zeros: int
    weight_bits: int
    bit_operations: int
    depth: int


def costs(network: RoundedNetwork) -> list[LayerCost]:
    """Return the counts of each layer that computes something.

    >>> import numpy as np
    >>> from hepad.firmware.layers import Dense, Network, Shift
    >>> from hepad.firmware.rounding import rounded
    >>> dense = Dense(np.array([[0.3, 1.0, 0.0]]), np.zeros(1), relu=False)
    >>> found = costs(rounded(Network((3,), (Shift(np.zeros(3)), dense)), 8, np.ones((1, 3))))[1]
    >>> found.multipliers, found.shifts, found.zeros, found.weight_bits, found.bit_operations, found.depth
    (1, 1, 1, 40, 96, 2)
    """
    shape, found, given = network.network.input_shape, [], network.given.width
    for layer, weight, bias, result in formats(network):
        told = "" if result is None else str(result)
        if isinstance(layer, Shift):
            found.append(LayerCost("shift of the input", told, 0, int(np.prod(shape)), 0, 0, 0, 0))
        elif isinstance(layer, Dense | Conv):
            assert weight is not None
            assert bias is not None
            found.append(_products(layer, shape, weight, bias, told, given))
        elif isinstance(layer, MaxOverSlots):
            found.append(LayerCost(f"maximum of {shape[0]} slots", "", 0, 0, 0, 0, 0, _levels(shape[0])))
        elif isinstance(layer, SumOfSquares):
            squares = shape[0] * given**2
            found.append(LayerCost(f"sum of {shape[0]} squares", told, shape[0], 0, 0, 0, squares, _levels(shape[0])))
        if result is not None:
            # A ReLU takes the sign away.
            given = result.width - (isinstance(layer, Dense | Conv) and layer.relu)
        shape = layer(np.zeros((1, *shape))).shape[1:]
    return found


def totals(each: list[LayerCost]) -> dict[str, Any]:
    """Return the sums over layers, and the levels of logic: one for products, then their additions, layer by layer."""
    levels = sum(cost.depth + (cost.multipliers > 0) for cost in each)
    sums = {
        name: sum(getattr(cost, name) for cost in each)
        for name in ("multipliers", "shifts", "zeros", "weight_bits", "bit_operations")
    }
    return {**sums, "levels": levels, "reuse_factor": 1, "initiation_interval": 1}


def _products(
    layer: Dense | Conv, shape: tuple[int, ...], weight: FixedPoint, bias: FixedPoint, result: str, given: int
) -> LayerCost:
    out = layer(np.zeros((1, *shape))).shape[1:]
    positions = int(np.prod(out[:-1], dtype=int))
    free, zero = _is_power_of_two(layer.weight), layer.weight == 0
    multipliers, shifts, zeros = (positions * int(chosen.sum()) for chosen in (~free & ~zero, free, zero))
    terms = layer.weight[0].size
    name = "2 × 2 filters" if isinstance(layer, Conv) else "dense"
    bits = layer.weight.size * weight.width + layer.bias.size * bias.width
    # The bias is one more term.
    told = f"{name}, {terms} → {out[-1]}" + (f", {positions} times" if positions > 1 else "")
    operations = positions * given * int(_bits_between(layer.weight / weight.step).sum())
    return LayerCost(told, result, multipliers, shifts, zeros, bits, operations, _levels(terms + 1))


def _bits_between(whole: FloatArray) -> NDArray[np.int64]:
    """Return the number of bits of whole numbers from the first that is 1 to the last."""
    sizes = np.abs(whole).astype(np.int64)
    lowest = np.where(sizes > 0, sizes & -sizes, 1)
    return np.frexp((sizes // lowest).astype(np.float64))[1].astype(np.int64)


def _is_power_of_two(values: FloatArray) -> NDArray[np.bool_]:
    return np.equal(np.frexp(np.abs(values))[0], 0.5)


def _levels(n: int) -> int:
    return int(np.ceil(np.log2(n))) if n > 1 else 0
