"""Columns that take few values: whole numbers, values that come again and again, constants; and how to smear them."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MOST_ATOMS: Final = 4
"""Values of one column that are smeared each for itself."""

_SHARE_OF_ATOM: Final = 0.01
_ENTRIES_PER_STEP: Final = 4
_OFF_THE_GRID: Final = 1e-2


class ColumnValues(NamedTuple):
    """Values of a column, as a density has to know them: where it has no density, values are smeared over a width.

    Attributes:
        step: distance of neighbouring values of a column that lies on a grid, such as 1 of a multiplicity; of a
            constant its size, or 1 for 0; 0 for any other column.
        origin: a value on that grid.
        is_constant: there is one value.
        atoms: `(MOST_ATOMS,)` values that at least 1% of the entries have, in a column on no grid; NaN for none.
        widths: `(MOST_ATOMS,)` what each is smeared over; 0 for none.
    """

    step: float
    origin: float
    is_constant: bool
    atoms: FloatArray
    widths: FloatArray


def column_values(column: FloatArray) -> ColumnValues:
    """Return what is to be known of the values `(N,)` of one column.

    >>> import numpy as np
    >>> from hepad.nn.column_values import column_values
    >>> found = column_values(np.array([3.0, 1.0, 2.0, 2.0] * 10))
    >>> found.step, found.origin, found.is_constant
    (1.0, 1.0, False)
    """
    atoms, widths = np.full(MOST_ATOMS, np.nan), np.zeros(MOST_ATOMS)
    values, counts = np.unique(column, return_counts=True)
    if len(values) == 1:
        return ColumnValues(float(abs(values[0])) or 1.0, float(values[0]), True, atoms, widths)
    gaps = np.diff(values)
    steps = (values - values[0]) / gaps.min()
    if len(values) * _ENTRIES_PER_STEP <= len(column) and np.abs(steps - np.round(steps)).max() < _OFF_THE_GRID:
        return ColumnValues(float(gaps.min()), float(values[0]), False, atoms, widths)
    often = np.flatnonzero(counts >= max(2.0, _SHARE_OF_ATOM * len(column)))
    often = often[np.argsort(-counts[often], kind="stable")][:MOST_ATOMS]
    spread = column.std()
    around = np.concatenate([[np.inf], gaps, [np.inf]])
    for i, at in enumerate(often):
        atoms[i] = values[at]
        # Between its neighbours, and neither too narrow for a float nor as wide as all values.
        widths[i] = np.clip(min(around[at], around[at + 1]), 1e-3 * spread, 0.5 * spread)
    return ColumnValues(0.0, 0.0, False, atoms, widths)


def evenly_smeared(column: FloatArray, found: ColumnValues) -> FloatArray:
    """Return the column with equal values spread evenly over the width that each is smeared over, without a draw."""
    order = np.argsort(column, kind="stable")
    _, starts, counts = np.unique(column[order], return_index=True, return_counts=True)
    within = np.arange(len(column)) - np.repeat(starts, counts)
    shift = np.empty_like(column)
    shift[order] = (within + 0.5) / np.repeat(counts, counts) - 0.5
    width = np.full_like(column, found.step)
    for atom, of_atom in zip(found.atoms, found.widths, strict=True):
        width[column == atom] = of_atom
    return column + shift * width
