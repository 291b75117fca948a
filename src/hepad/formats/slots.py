"""Objects of entries into slots: masked, sorted, cut off at S, padded with zeros; all entries at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.functions import is_jagged


@dataclass(frozen=True)
class Slots:
    """Objects in slots.

    Attributes:
        values: `(N, S, F)` float32, zero padded.
        filled: `(N, S)` which slots hold an object.
        beyond: objects that found no slot.
        not_finite: objects in slots with NaN or infinity in them.
    """

    values: NDArray[np.float32]
    filled: NDArray[np.bool_]
    beyond: int
    not_finite: int


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
    starts = np.cumsum(counts) - counts
    if sort is None:
        rank = np.arange(len(entry)) - starts[entry]
        chosen = np.flatnonzero(rank < slots)
    else:
        chosen = _leading(flat[sort], entry, starts, slots)
        rank = np.empty(len(entry), dtype=np.int64)
        in_slots = np.minimum(counts, slots)
        first = np.cumsum(in_slots) - in_slots
        rank[chosen] = np.arange(len(chosen)) - first[entry[chosen]]
    table = np.empty((len(chosen), len(flat)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, values in enumerate(flat.values()):
            table[:, index] = values[chosen]
    place = entry[chosen] * slots + rank[chosen]
    values = np.zeros((n_entries * slots, len(flat)), dtype=np.float32)
    values[place] = table
    filled = np.zeros(n_entries * slots, dtype=bool)
    filled[place] = True
    return Slots(
        values.reshape(n_entries, slots, len(flat)),
        filled.reshape(n_entries, slots),
        beyond=int(len(entry) - len(chosen)),
        not_finite=int((~np.isfinite(table).all(axis=1)).sum()),
    )


def _leading(key: NDArray[Any], entry: NDArray[np.int64], starts: NDArray[np.int64], slots: int) -> NDArray[np.int64]:
    """Return the objects of each entry by falling key, the first `slots` of them, one entry after the other."""
    falling = -key if key.dtype == np.float32 else -key.astype(np.float64)
    # Most files are sorted already, and looking is cheaper than sorting.
    ordered = (falling[1:] >= falling[:-1]) | (entry[1:] != entry[:-1])
    order = np.arange(len(entry)) if ordered.all() else _order(entry, falling)
    return order[np.arange(len(entry)) - starts[entry] < slots]


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
