"""Arrays of entries as users have them: columns found by name, empty slots told."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.data.jet_table import AUTO, NONE


def named_features(facts: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of an entry's features from a run's provenance; None where entries have none."""
    entries = facts.get("entries")
    definition = entries.get("definition") if isinstance(entries, dict) else None
    names = definition.get("features") if isinstance(definition, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def entry_array(
    entries: Any, shape: tuple[int, ...], wanted: tuple[str, ...] | None, given: Sequence[str] | None
) -> NDArray[np.float32]:
    """Return entries as float32 `(N, *shape)`, their columns in the order of the run.

    Args:
        entries: an array, a structured array, or a table with `columns`, such as a pandas DataFrame.
        shape: of one entry.
        wanted: names of the run's features; None where it has none.
        given: names of the array's columns; None for those that the array itself has, if any.

    Raises:
        UserError: another shape, or a feature that is not among the columns.
    """
    array, fields = _with_names(entries)
    names = given if given is not None else fields
    if names is not None:
        array = _by_name(array, [str(name) for name in names], wanted)
    if shape[0] == 1 and len(shape) == 3 and array.shape[1:] == shape[1:]:
        array = array.reshape(-1, *shape)
    if array.shape[1:] != shape or not array.ndim:
        raise UserError(f"entries of shape {array.shape[1:]}; this run scores {shape}{_advice(array.shape, shape)}")
    return np.ascontiguousarray(array)


def _with_names(entries: Any) -> tuple[NDArray[np.float32], Any]:
    """Return entries as an array, and the names of its columns where it has any."""
    fields = getattr(getattr(entries, "dtype", None), "names", None)
    if fields:
        return np.stack([np.asarray(entries[name], dtype=np.float32) for name in fields], axis=-1), fields
    return np.asarray(entries, dtype=np.float32), getattr(entries, "columns", None)


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
        array, fields = _with_names(entries)
        names = [str(name) for name in (given if given is not None else fields if fields is not None else ())]
        if array.ndim != 2 or not set(wanted) <= set(names):
            raise UserError(f"{told}; give context=(N, {len(wanted)}), or entries whose columns have these names")
        found = array[:, [names.index(name) for name in wanted]]
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


def empty_slots(array: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which single jets are empty slots of an event, `(N,)`: all numbers 0, or a pT up to 0.

    Args:
        array: `(N, F)` jets, of a run that tells empty slots by their pT.
        names: of the columns, `pt` among them.

    Raises:
        UserError: several values of pT up to 0, as after standardising.
    """
    pt = array[:, names.index("pt")]
    _check_one_padding_value(pt)
    return ~array.any(axis=1) | (pt <= 0)


def _check_one_padding_value(pt: NDArray[np.float32]) -> None:
    """Raise `UserError` where pT does not tell which slots are empty: as where files are read (`data.padding=auto`)."""
    empty = pt[pt <= 0]
    if empty.size and empty.min() != empty.max():
        raise UserError(
            f"'pt' has several values up to 0 (from {empty.min():g} to {empty.max():g}) and does not tell which slots "
            "are empty; say so with mask=…, True for real jets"
        )


def given_mask(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a user's mask as bool; raise `UserError` for another shape."""
    given = np.asarray(mask)
    if given.shape != shape:
        raise UserError(f"a mask of shape {given.shape}; one number per slot is needed, {shape}")
    return np.asarray(given != 0)


def real_slots(
    array: NDArray[np.float32],
    names: tuple[str, ...] | None,
    padding: str,
    mask: Any = None,
) -> NDArray[np.bool_]:
    """Return which slots of events `(N, S, F)` hold a jet, `(N, S)`, as the run was told them (`data.padding`).

    Args:
        array: the events.
        names: of the columns; None where the run does not know them.
        padding: the run's `data.padding`.
        mask: `(N, S)`, not 0 for real jets; None to tell them by the events themselves.

    Raises:
        UserError: a mask of another shape, or slots that the events alone do not tell.
    """
    if mask is not None:
        return given_mask(mask, array.shape[:2])
    if padding == NONE:
        return np.ones(array.shape[:2], dtype=bool)
    column = "pt" if padding == AUTO else padding
    if names is not None and column in names:
        values = array[..., names.index(column)]
        if padding == AUTO:
            _check_one_padding_value(values)
        return np.asarray(array.any(axis=2) & ~(values <= 0))
    if padding == AUTO:
        return np.asarray(array.any(axis=2))
    raise UserError(
        f"this run tells empty slots by data.padding={padding}, which is no column of its entries; give "
        f"mask=(N, {array.shape[1]}), True for real jets"
    )


def _by_name(array: NDArray[np.float32], names: list[str], wanted: tuple[str, ...] | None) -> NDArray[np.float32]:
    if wanted is None:
        raise UserError("this run's entries have no named features; give the array alone")
    if array.shape[-1:] != (len(names),):
        raise UserError(f"{len(names)} names for entries of shape {array.shape[1:]}; one name per column is needed")
    if missing := [name for name in wanted if name not in names]:
        raise UserError(f"no column {', '.join(missing)}; this run scores: {', '.join(wanted)}")
    return array[..., [names.index(name) for name in wanted]]


def _advice(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(shape) == 1 and len(given) == 3 and given[-1:] == shape:
        return f"; single jets are array.reshape(-1, {shape[0]}), where empty slots get NaN"
    if given == shape:
        return "; one entry is array[None]"
    if len(given) > 1 and len(given) == len(shape) + 1:
        return "; name the columns with features=[…] to have them found" if len(shape) < 3 else ""
    return f"; (N, {', '.join(map(str, shape))}) is needed"
