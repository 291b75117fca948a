"""Operations on the objects of all entries, without Awkward's way through its types, longer than the operations."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_jagged(array: Any) -> bool:
    """Return whether an array is Awkward's; where that was never imported, none is."""
    awkward = sys.modules.get("awkward")
    return awkward is not None and isinstance(array, awkward.Array)


def elementwise(operation: Callable[..., Any], *operands: Any) -> Any:
    """Return `operation(*operands)` of an operation that treats every number by itself.

    Lists of numbers that have the same lengths are taken as what they are in memory, one array; all else is left to
    NumPy and Awkward.

    Args:
        operation: such as `operator.gt` or `numpy.abs`.
        operands: columns, jagged or not, and numbers.

    >>> import awkward as ak
    >>> from hepad.formats.elementwise import elementwise
    >>> elementwise(lambda a, b: a + b, ak.Array([[1.0, 2.0], []]), 1).to_list()
    [[2.0, 3.0], []]
    """
    taken, offsets = [], None
    for operand in operands:
        if type(operand) in (bool, int, float):
            taken.append(operand)
            continue
        found = _lists(operand)
        if found is None or (offsets is not None and not np.array_equal(found[0], offsets)):
            return operation(*operands)
        offsets = found[0]
        taken.append(found[1])
    if offsets is None:
        return operation(*operands)
    import awkward as ak

    numbers = ak.contents.NumpyArray(operation(*taken))
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), numbers))


def _lists(array: Any) -> tuple[NDArray[np.int64], NDArray[Any]] | None:
    """Return the offsets from 0 and the numbers of a jagged column as files have it; None for anything else."""
    if not is_jagged(array):
        return None
    import awkward as ak

    layout = array.layout
    if not isinstance(layout, ak.contents.ListOffsetArray) or layout.parameters or layout.content.parameters:
        return None
    if not isinstance(layout.content, ak.contents.NumpyArray) or layout.content.data.ndim != 1:
        return None
    offsets = np.asarray(layout.offsets.data, dtype=np.int64)
    return offsets - offsets[0], np.asarray(layout.content.data)[offsets[0] : offsets[-1]]
