"""Arrays of entries as users have them: columns found by name, in the order of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.data.given_arrays import given_array, nearest_names


def named_features(facts: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of an entry's features from a run's provenance; None where entries have none."""
    entries = facts.get("entries")
    definition = entries.get("definition") if isinstance(entries, dict) else None
    names = definition.get("features") if isinstance(definition, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


@dataclass(frozen=True)
class EntryRows:
    """Entries as a user has them, of which float32 rows are made as they are needed.

    Attributes:
        array: `(N, …)` numbers.
        columns: of the last axis, those of the run in its order; None for all as they are.
        shape: of one entry.
        mask: `(N, S)`, which slots hold an object, where the array was ragged; None where it does not say.
    """

    array: NDArray[Any]
    columns: list[int] | None
    shape: tuple[int, ...]
    mask: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.array)

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return some entries as float32 `(n, *shape)`, the very memory where they are so already."""
        part = self.array[start:stop]
        if self.columns is not None:
            part = part[..., self.columns]
        made = np.ascontiguousarray(part, dtype=np.float32).reshape(-1, *self.shape)
        # A view of a table that shares its memory: PyTorch warns of what cannot be written.
        return made if made.flags.writeable else made.copy()


def entry_rows(
    entries: Any, shape: tuple[int, ...], wanted: tuple[str, ...] | None, given: Sequence[str] | None
) -> EntryRows:
    """Return entries to take rows of, their columns in the order of the run.

    Args:
        entries: whatever `hepad.data.given_array` takes: arrays, tensors, tables, awkward arrays.
        shape: of one entry.
        wanted: names of the run's features; None where it has none.
        given: names of the array's columns; None for those that the array itself has, if any.

    Raises:
        UserError: another shape, or a feature that is not among the columns.
    """
    found_array = given_array(entries, shape[0] if len(shape) == 2 else None)
    array = found_array.values
    names = given if given is not None else found_array.names
    if found_array.mask is not None and len(shape) != 2:
        raise UserError(
            f"a ragged array with lists of objects; this run scores entries of shape {shape}"
            + ("; single ones are awkward.flatten(array)" if len(shape) == 1 else "")
        )
    columns = None if names is None else _columns(array, [str(name) for name in names], wanted)
    found = array.shape[1:] if columns is None else (*array.shape[1:-1], len(columns))
    one_channel = shape[0] == 1 and len(shape) == 3 and found == shape[1:]
    if (found != shape and not one_channel) or not array.ndim:
        whole = array.shape[:1] + found
        raise UserError(f"entries of shape {found}; this run scores {shape}{_advice(whole, shape)}")
    return EntryRows(array, columns, shape, found_array.mask)


def entry_array(
    entries: Any, shape: tuple[int, ...], wanted: tuple[str, ...] | None, given: Sequence[str] | None
) -> NDArray[np.float32]:
    """Return entries as float32 `(N, *shape)`; see `entry_rows`."""
    rows = entry_rows(entries, shape, wanted, given)
    return rows.rows(0, len(rows))


def context_array(
    entries: Any, n: int, wanted: tuple[str, ...], given: Sequence[str] | None, context: Any
) -> NDArray[np.float32] | None:
    """Return the context of entries, `(N, K)` float32; None for a run without any.

    Args:
        entries: as in `entry_array`.
        n: how many there are.
        wanted: names of the observables that the run is conditioned on.
        given: names of the columns of `entries`; None for those that it has itself, if any.
        context: `(N, K)`, of one observable also `(N,)`; None to find them among the columns of `entries`.

    Raises:
        UserError: a context of another shape, with NaN or inf, that is missing, or of a run that takes none.
    """
    if not wanted:
        if context is not None:
            raise UserError("this run is conditioned on nothing; leave context out")
        return None
    told = f"this run is conditioned on {', '.join(wanted)}"
    if context is None:
        found_array = given_array(entries)
        array, fields = found_array.values, found_array.names
        names = [str(name) for name in (given if given is not None else fields if fields is not None else ())]
        if array.ndim != 2 or not set(wanted) <= set(names):
            raise UserError(f"{told}; give context=(N, {len(wanted)}), or entries whose columns have these names")
        found = np.asarray(array[:, [names.index(name) for name in wanted]], dtype=np.float32)
    else:
        try:
            found = np.asarray(context, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise UserError(f"{told}; an array of numbers, ({n}, {len(wanted)}), is needed as context") from error
        found = found[:, None] if found.ndim == 1 else found
    if found.shape != (n, len(wanted)):
        raise UserError(f"{told}; a context of shape {found.shape} for {n} entries; ({n}, {len(wanted)}) is needed")
    if n_bad := int((~np.isfinite(found)).any(axis=1).sum()):
        raise UserError(f"the context of {n_bad} of {n} entries holds NaN or inf")
    return np.ascontiguousarray(found)


def _columns(array: NDArray[Any], names: list[str], wanted: tuple[str, ...] | None) -> list[int]:
    if wanted is None:
        raise UserError("this run's entries have no named features; give the array alone")
    if array.shape[-1:] != (len(names),):
        raise UserError(f"{len(names)} names for entries of shape {array.shape[1:]}; one name per column is needed")
    if missing := [name for name in wanted if name not in names]:
        near = nearest_names(missing, names)
        raise UserError(f"no column {', '.join(missing)}; {near}this run scores: {', '.join(wanted)}")
    return [names.index(name) for name in wanted]


def _advice(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(shape) == 1 and len(given) == 3 and given[-1:] == shape:
        return f"; single jets are array.reshape(-1, {shape[0]}), where empty slots get NaN"
    if given == shape:
        return "; one entry is array[None]"
    if len(given) > 1 and len(given) == len(shape) + 1:
        return "; name the columns with features=[…] to have them found" if len(shape) < 3 else ""
    return f"; (N, {', '.join(map(str, shape))}) is needed"
