"""Operations that ONNX has no operator for, made of operations that it has."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.export import ExportedProgram


def searchsorted(
    ordered: Tensor,
    values: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return what `torch.searchsorted` does, by bisection in as many steps for every value.

    Args:
        ordered: `(…, K)` rising.
        values: `(…, V)` finite.
        out_int32: of the result.
        right: count what is equal too.
        side: `right` or `left`, the same by name.
        sorter: is not used.

    >>> import torch
    >>> from hepad.exporting.decompositions import searchsorted
    >>> ordered, values = torch.tensor([1.0, 2.0, 2.0, 5.0]), torch.tensor([0.0, 2.0, 4.0, 9.0])
    >>> searchsorted(ordered, values), searchsorted(ordered, values, right=True)
    (tensor([0, 1, 3, 4]), tensor([0, 3, 3, 4]))
    """
    counts_equal = right if side is None else side == "right"
    n = ordered.shape[-1]
    place = torch.zeros_like(values, dtype=torch.int64)
    step = 1 << (n.bit_length() - 1)
    while step:
        further = place + step
        at = torch.gather(ordered, -1, (further - 1).clamp(max=n - 1))
        below = at <= values if counts_equal else at < values
        place = torch.where(below & (further <= n), further, place)
        step //= 2
    return place.to(torch.int32) if out_int32 else place


def squeezed(x: Tensor, dim: int) -> Tensor:
    """Return `x` without a dimension of one, and as it is where there are more: ONNX has no operator that looks first.

    >>> import torch
    >>> from hepad.exporting.decompositions import squeezed
    >>> squeezed(torch.zeros(4, 1, 3), 1).shape, squeezed(torch.zeros(4, 2, 3), 1).shape
    (torch.Size([4, 3]), torch.Size([4, 2, 3]))
    """
    shape = list(x.shape)
    if shape[dim] == 1:
        del shape[dim]
    return x.reshape(shape)


def asinh(x: Tensor) -> Any:
    """Return the inverse hyperbolic sine of float64 numbers, of which ONNX Runtime has none, to some 1e-16 of 1 + |x|.

    >>> import torch
    >>> from hepad.exporting.decompositions import asinh
    >>> x = torch.tensor([-30.0, 0.0, 2.0], dtype=torch.float64)
    >>> torch.allclose(asinh(x), x.asinh(), rtol=1e-14)
    True
    """
    if x.dtype != torch.float64:
        return NotImplemented
    size = x.abs()
    # Of the size, for of a large negative number x + √(x² + 1) keeps no digit.
    found = (size + (size.square() + 1).sqrt()).log()
    return torch.where(x < 0, -found, found)


def sinh(x: Tensor) -> Any:
    """Return the hyperbolic sine of float64 numbers, of which ONNX Runtime has none.

    >>> import torch
    >>> from hepad.exporting.decompositions import sinh
    >>> x = torch.tensor([-30.0, 0.0, 2.0], dtype=torch.float64)
    >>> torch.allclose(sinh(x), x.sinh(), rtol=1e-14)
    True
    """
    if x.dtype != torch.float64:
        return NotImplemented
    return 0.5 * (x.exp() - (-x).exp())


_DECOMPOSED: Final[dict[Any, Callable[..., Any]]] = {
    torch.ops.aten.searchsorted.Tensor: searchsorted,
    torch.ops.aten.squeeze.dim: squeezed,
    torch.ops.aten.asinh.default: asinh,
    torch.ops.aten.sinh.default: sinh,
}


def decomposed(program: ExportedProgram) -> ExportedProgram:
    """Return a program without the operations above."""
    without: ExportedProgram = program.run_decompositions(_DECOMPOSED)
    return without
