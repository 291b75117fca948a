"""Cells of a table that are the best of their row or of their column."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from hepad.report.content import Cell
from hepad.report.formatting import sort_key


def best_cells(
    rows: Sequence[Sequence[Cell]],
    columns: Iterable[int],
    within: Literal["row", "column"],
    most: int | None = None,
    lowest: bool = False,
) -> frozenset[tuple[int, int]]:
    """Return (row, column) of the best number of each row, or of each column; equal ones all win.

    Where fewer than two numbers compete, nothing wins.

    Args:
        rows: the cells.
        columns: that compete, or whose rows do.
        within: what a number competes with.
        most: how many rows take part; None for all.
        lowest: the smallest number is the best.

    >>> from hepad.report import best_cells
    >>> rows = [["vae", 0.84, 0.91], ["dense_ae", 0.86, None]]
    >>> sorted(best_cells(rows, [1, 2], within="row")), sorted(best_cells(rows, [1, 2], within="column"))
    ([(0, 2)], [(1, 1)])
    """
    kept, taken = list(columns), range(len(rows) if most is None else min(most, len(rows)))
    groups = [[(i, j) for j in kept] for i in taken] if within == "row" else [[(i, j) for i in taken] for j in kept]
    found: set[tuple[int, int]] = set()
    for group in groups:
        numbers = {place: float(key) for place in group if (key := sort_key(rows[place[0]][place[1]]))}
        if len(numbers) > 1:
            best = (min if lowest else max)(numbers.values())
            found |= {place for place, number in numbers.items() if math.isclose(number, best, rel_tol=1e-12)}
    return frozenset(found)
