"""Entries as users have them in memory: NumPy arrays, tensors, tables of columns, awkward arrays; made plain arrays."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.elementwise import is_jagged
from hepad.formats.slots import into_slots

_NUMBERS: Final = "fiub"
_PT: Final = "pt"
_RAGGED: Final = (
    "lists of different lengths; awkward.Array(…) of records such as {'pt': …, 'eta': …} is filled into slots"
)


@dataclass(frozen=True)
class GivenArray:
    """Entries as a plain array.

    Attributes:
        values: `(N, …)` numbers, as they were where they were a NumPy array.
        names: of the columns, the last axis; None where what was given does not name them.
        mask: `(N, S)`, which slots hold an object, of ragged arrays; None of all others.
    """

    values: NDArray[Any]
    names: tuple[str, ...] | None
    mask: NDArray[np.bool_] | None


def given_array(entries: Any, slots: int | None = None) -> GivenArray:
    """Return what a user gives as entries as a plain array, with the names of its columns where it has any.

    Taken are NumPy arrays, structured ones among them, and lists of lists; tensors of PyTorch, wherever they are and
    with a gradient or without; tables with named columns (pandas, polars, pyarrow, or a mapping name → column); and
    awkward arrays: records of numbers are vectors, lists of records are sets `(N, S, F)`. The objects of a ragged array
    come by falling `pt`, where they have one, in their own order where not; what finds no slot is left out.

    Args:
        entries: what was given.
        slots: S of sets; None for as many as the longest entry has objects.

    Raises:
        UserError: no numbers, a ragged array of another depth, or fields that do not go together.

    >>> import awkward as ak
    >>> from hepad.data import given_array
    >>> jets = ak.Array([[{"pt": 30.0, "eta": 0.1}, {"pt": 50.0, "eta": 1.2}], [], [{"pt": 20.0, "eta": -2.0}]])
    >>> found = given_array(jets)
    >>> found.values.shape, found.names, found.mask.sum(axis=1)
    ((3, 2, 2), ('pt', 'eta'), array([2, 0, 1]))
    >>> found.values[0, :, 0]
    array([50., 30.], dtype=float32)
    """
    if is_jagged(entries):
        return _from_awkward(entries, slots)
    if isinstance(entries, Mapping):
        return _from_columns({str(name): column for name, column in entries.items()}, slots)
    if _is_tensor(entries):
        return GivenArray(_tensor(entries), None, None)
    if isinstance(entries, np.ma.MaskedArray) and np.ma.is_masked(entries):
        raise UserError("a masked array; fill it, and say which slots are real with mask=…")
    if fields := getattr(getattr(entries, "dtype", None), "names", None):
        columns = [_numbers(entries[name], f"field {name}") for name in fields]
        return GivenArray(np.stack([column.astype(np.float32) for column in columns], axis=-1), tuple(fields), None)
    names = getattr(entries, "column_names", None) or getattr(entries, "columns", None)
    if names is None:
        return GivenArray(_numbers(entries, "entries"), None, None)
    names = tuple(str(name) for name in names)
    try:
        return GivenArray(np.asarray(entries, dtype=np.float32), names, None)
    except (TypeError, ValueError) as error:
        keys = names if hasattr(entries, "column_names") else entries.columns
        for name, key in zip(names, keys, strict=True):
            _numbers(entries[key], f"column {name}")
        raise UserError(f"the columns are not all numbers ({' '.join(str(error).split())})") from error


def _is_tensor(entries: Any) -> bool:
    # Where PyTorch was never imported, nothing is a tensor.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(entries, torch.Tensor)


def _tensor(entries: Any) -> NDArray[Any]:
    """Return a tensor's numbers: without its gradient, from whatever device, of a type that NumPy has."""
    plain = entries.detach().cpu()
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return _numbers(plain.numpy(), "entries")


def _numbers(entries: Any, what: str) -> NDArray[Any]:
    """Return an array of numbers; of objects and of what is no array yet as float32."""
    if isinstance(entries, np.ndarray) and entries.dtype.kind in _NUMBERS:
        return np.asarray(entries)
    try:
        with np.errstate(over="ignore"):
            found = np.asarray(entries)
            if found.dtype.kind not in (*_NUMBERS, "O"):
                raise UserError(f"{what}: numbers are needed, not {found.dtype}")
            return found.astype(np.float32)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        if "inhomogeneous" in str(error):
            raise UserError(f"{what}: {_RAGGED}") from error
        raise UserError(f"{what}: numbers are needed ({' '.join(str(error).split())})") from error


def _from_columns(columns: Mapping[str, Any], slots: int | None) -> GivenArray:
    """Return columns, name → numbers of each entry or of each object, side by side."""
    if not columns:
        raise UserError("a mapping without columns; name → numbers is needed")
    names = tuple(columns)
    if any(is_jagged(column) for column in columns.values()):
        return _filled(columns, slots)
    plain = {name: _tensor(x) if _is_tensor(x) else _numbers(x, f"column {name}") for name, x in columns.items()}
    shapes = {name: column.shape for name, column in plain.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise UserError(f"columns of different shapes: {told}")
    return GivenArray(np.stack([column.astype(np.float32) for column in plain.values()], axis=-1), names, None)


def _from_awkward(entries: Any, slots: int | None) -> GivenArray:
    import awkward as ak

    names = list(entries.fields)
    if names:
        nested = [name for name in names if entries[name].fields]
        if nested:
            raise UserError(
                f"the field {nested[0]} holds records itself ({', '.join(entries[nested[0]].fields)}); give "
                f"array[{nested[0]!r}] alone, or one record for each object"
            )
        return _filled({name: entries[name] for name in names}, slots)
    regular = _regular(entries)
    if regular is not None:
        return GivenArray(_numbers(regular, "entries"), None, None)
    if entries.ndim != 3:
        raise UserError(
            f"a ragged array of depth {entries.ndim} without fields; lists of records such as "
            "{'pt': …, 'eta': …}, or of lists of F numbers each, are needed"
        )
    objects = _regular(ak.flatten(entries, axis=1))
    if objects is None:
        raise UserError("the objects of a ragged array have different numbers of features; F numbers each are needed")
    counts = ak.num(entries, axis=1)
    filled = _filled({f"x{i}": ak.unflatten(objects[:, i], counts) for i in range(objects.shape[1])}, slots)
    return GivenArray(filled.values, None, filled.mask)


def _regular(entries: Any) -> NDArray[Any] | None:
    """Return an awkward array that is not ragged as NumPy's; None for a ragged one."""
    import awkward as ak

    try:
        return np.asarray(ak.to_numpy(entries, allow_missing=False))
    except (TypeError, ValueError):
        return None


def _filled(columns: Mapping[str, Any], slots: int | None) -> GivenArray:
    """Return awkward columns as vectors, or their objects in slots."""
    import awkward as ak

    found = {name: column if is_jagged(column) else ak.Array(column) for name, column in columns.items()}
    depths = {name: column.ndim for name, column in found.items()}
    if len(set(depths.values())) > 1 or next(iter(depths.values())) > 2:
        told = ", ".join(f"{name} {depth}" for name, depth in depths.items())
        raise UserError(
            f"fields of depths that are no entries: {told}; each needs one number per entry (1), or each a list of "
            "numbers per entry (2), one for each object"
        )
    for name, column in found.items():
        if ak.any(ak.is_none(column, axis=-1)) or ak.any(ak.is_none(column, axis=0)):
            raise UserError(f"the field {name} holds None; leave such objects out with awkward.drop_none")
    names = tuple(found)
    if next(iter(depths.values())) == 1:
        values = [_numbers(ak.to_numpy(column), f"field {name}") for name, column in found.items()]
        return GivenArray(np.stack([column.astype(np.float32) for column in values], axis=-1), names, None)
    first = next(iter(found.values()))
    longest = int(ak.max(ak.num(first, axis=1), initial=1))
    for name, column in found.items():
        _numbers(ak.to_numpy(ak.flatten(column, axis=1)), f"field {name}")
    sort = _PT if _PT in found else None
    made = into_slots({name: ak.drop_none(x) for name, x in found.items()}, slots or longest, len(first), sort)
    return GivenArray(made.values, names, made.filled)


def nearest_names(missing: Sequence[str], names: Sequence[str]) -> str:
    """Return which of some names those that are missing may be called, as words; empty where none is alike.

    >>> from hepad.data.given_arrays import nearest_names
    >>> nearest_names(["pt", "mass"], ["jet_pt", "Mass", "label"])
    'did you mean jet_pt for pt, Mass for mass? '
    """
    alike = {name: _nearest(name, names) for name in missing}
    told = [f"{found} for {name}" for name, found in alike.items() if found is not None]
    return f"did you mean {', '.join(told)}? " if told else ""


def _nearest(name: str, names: Sequence[str]) -> str | None:
    import difflib

    lower = {other.lower(): other for other in reversed(names)}
    for other in lower:
        parts = other.replace(".", "_").split("_")
        if name.lower() in (other, parts[-1], parts[0]):
            return lower[other]
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.7)
    return lower[close[0]] if close else None
