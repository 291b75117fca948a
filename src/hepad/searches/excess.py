"""Entries of an excess: those beyond the tightest cut, by rank, with what identifies them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.searches.sample_tables import Table

_MOST: Final = 1000
_TEMPLATE: Final = 2000


def excess_entries(
    table: Table,
    share: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    names: Sequence[str],
    identity: Mapping[str, NDArray[Any]],
) -> dict[str, list[float]]:
    """Return the chosen entries as columns, the most anomalous first, at most a thousand.

    Args:
        table: what was searched.
        share: `(N,)` of the background that is beyond the score of each; the score told is −log10 of it.
        chosen: `(N,)` which entries.
        names: of the columns of the table.
        identity: `row` and other columns of numbers that say which entry it is.
    """
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(share[rows], kind="stable")][:_MOST]
    columns: dict[str, NDArray[Any]] = {"rank": np.arange(1, len(rows) + 1), "score": -np.log10(share[rows])}
    columns |= {name: values[rows] for name, values in identity.items()}
    columns |= {name: table[rows, i] for i, name in enumerate(names)}
    return {name: [float(value) for value in values] for name, values in columns.items()}


def template_columns(table: Table, names: Sequence[str]) -> dict[str, list[float]]:
    """Return features of up to two thousand entries of a template."""
    return {name: [float(value) for value in table[:_TEMPLATE, i]] for i, name in enumerate(names)}
