"""Objects of entries into slots: masked, sorted, cut off at S, padded with zeros; all entries at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.elementwise import is_jagged
from hepad.formats.padded_rows import PaddedRows

_OBJECTS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Slots:
    """Objects in slots.

    Attributes:
        rows: `(N, S, F)`, their objects alone.
        beyond: objects that found no slot.
        not_finite: objects in slots with NaN or infinity in them.
    """

    rows: PaddedRows
    beyond: int
    not_finite: int

    @property
    def values(self) -> NDArray[np.float32]:
        """`(N, S, F)` float32, zero padded."""
        return self.rows.dense()

    @property
    def filled(self) -> NDArray[np.bool_]:
        """`(N, S)` which slots hold an object."""
        return self.rows.filled


def into_slots(
    columns: Mapping[str, Any], slots: int, n_entries: int, sort: str | None = None, where: Any = None
) -> Slots:
    """Put the objects of entries into slots.

    Args:
        columns: name → objects, jagged or `(N, K)`; `(N,)` is the same for all objects of an entry.
        slots: of each entry, S.
        n_entries: N.
        sort: the column by which they fall; equal ones keep their order, NaN comes last.
        where: which objects are taken, of the form of a column; None for all.

    Raises:
        UserError: columns that have different numbers of objects.

    >>> import numpy as np
    >>> from hepad.formats.slots import into_slots
    >>> real = np.array([[True, True, False]])
    >>> found = into_slots({"pt": np.array([[20.0, 30.0, 0.0]])}, 2, 1, sort="pt", where=real)
    >>> found.values[..., 0].tolist(), found.beyond
    ([[30.0, 20.0]], 0)
    """
    counts = _counts(columns, n_entries)
    flat = {name: _flat(name, column, counts) for name, column in columns.items()}
    entry = np.repeat(np.arange(n_entries), counts)
    if where is not None:
        kept = _flat("where", where, counts) != 0
        flat = {name: values[kept] for name, values in flat.items()}
        entry = entry[kept]
        counts = np.bincount(entry, minlength=n_entries)
    chosen = _leading(None if sort is None else flat[sort], entry, counts, slots)
    n_chosen = len(entry) if chosen is None else len(chosen)
    objects = np.empty((n_chosen, len(flat)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        in_order = [values if chosen is None else values[chosen] for values in flat.values()]
        # Some objects at a time: they stay in a core's cache until their last column is there.
        for first in range(0, n_chosen, _OBJECTS_AT_ONCE):
            rows = slice(first, first + _OBJECTS_AT_ONCE)
            for index, values in enumerate(in_order):
                objects[rows, index] = values[rows]
    return Slots(
        PaddedRows(objects, np.minimum(counts, slots), slots),
        beyond=len(entry) - n_chosen,
        not_finite=_not_finite(objects),
    )


def _not_finite(objects: NDArray[np.float32]) -> int:
    """Return how many objects hold NaN or infinity."""
    # A sum of finite numbers is finite, in as many bits as these take; only otherwise is each number looked at.
    with np.errstate(invalid="ignore"):
        if np.isfinite(objects.sum(dtype=np.float64)):
            return 0
    return int((~np.isfinite(objects).all(axis=1)).sum())


def _leading(
    key: NDArray[Any] | None, entry: NDArray[np.int64], counts: NDArray[np.int64], slots: int
) -> NDArray[np.int64] | None:
    """Return the objects of each entry by falling key, the first `slots` of them, one entry after the other.

    None where these are all objects as they stand.
    """
    order = None
    if key is not None:
        falling = -key if key.dtype == np.float32 else -key.astype(np.float64)
        # Most files are sorted already, and looking is cheaper than sorting.
        ordered = (falling[1:] >= falling[:-1]) | (entry[1:] != entry[:-1])
        order = None if ordered.all() else _order(entry, falling)
    if (counts <= slots).all():
        return order
    inside = np.arange(len(entry)) - (np.cumsum(counts) - counts)[entry] < slots
    return np.flatnonzero(inside) if order is None else order[inside]


def _order(entry: NDArray[np.int64], falling: NDArray[Any]) -> NDArray[np.int64]:
    """Return the order of objects by entry, and in an entry by `falling`; equal ones keep theirs, NaN comes last."""
    if falling.dtype != np.float32:
        return np.lexsort((falling, entry))
    # One integer for both: such an order of what lies nearly in it is found eight times as fast. Floats of one sign
    # stand in the order of their bits; -0 is 0, and every NaN the one behind infinity.
    bits = np.where(np.isnan(falling), np.float32(np.nan), falling + np.float32(0)).view(np.uint32)
    top = np.uint32(1 << 31)
    rising = np.where(bits & top, ~bits, bits | top)
    return np.argsort((entry.astype(np.uint64) << np.uint64(32)) | rising, kind="stable")


def _counts(columns: Mapping[str, Any], n_entries: int) -> NDArray[np.int64]:
    for column in columns.values():
        if is_jagged(column):
            return _taken_apart(column)[1]
        if np.ndim(column) == 2:
            return np.full(n_entries, np.shape(column)[1], dtype=np.int64)
    return np.ones(n_entries, dtype=np.int64)


def _flat(name: str, column: Any, counts: NDArray[np.int64]) -> NDArray[Any]:
    """Return a column of all objects, one entry after the other."""
    if is_jagged(column):
        if column.ndim != 2:
            raise UserError(f"column {name} has {column.ndim} axes; a list of numbers for each entry is needed")
        flat, own_counts = _taken_apart(column)
        if not np.array_equal(own_counts, counts):
            raise UserError(f"column {name} has another number of objects than the columns beside it")
        return flat
    plain = np.asarray(column)
    if plain.ndim < 2:
        return np.repeat(np.broadcast_to(plain, len(counts)), counts)
    if plain.ndim > 2 or (counts != plain.shape[1]).any():
        raise UserError(f"column {name} has another number of objects than the columns beside it")
    return plain.reshape(-1)


def _taken_apart(column: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the numbers of a jagged column, one entry after the other, and how many each entry has."""
    import awkward as ak

    layout = column.layout
    if isinstance(layout, ak.contents.ListOffsetArray) and isinstance(layout.content, ak.contents.NumpyArray):
        # As files have it: nothing is copied.
        offsets = np.asarray(layout.offsets.data)
        return np.asarray(layout.content.data)[offsets[0] : offsets[-1]], np.diff(offsets).astype(np.int64, copy=False)
    counts = np.asarray(ak.to_numpy(ak.num(column, axis=1)), dtype=np.int64)
    return np.asarray(ak.to_numpy(ak.flatten(column, axis=1))), counts
