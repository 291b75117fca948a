"""A plan applied to some rows of a file: the rows of every data set that hepad's file will hold."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.schema import WEIGHT_DATASET
from hepad.formats.elementwise import is_jagged
from hepad.formats.expressions import MissingColumn, evaluate
from hepad.formats.high_level import HIGH_LEVEL, Columns, high_level
from hepad.formats.padded_rows import PaddedRows
from hepad.formats.preset import ObjectSet
from hepad.formats.resolving import Plan
from hepad.formats.side_files import LumiMask
from hepad.formats.slots import Slots, into_slots

LABEL: Final = "label"
FEATURES_OF_SETS: Final = "event_features"
_MASK: Final = "mask"

Rows: TypeAlias = NDArray[Any] | PaddedRows


@dataclass(frozen=True)
class Made:
    """Rows that were made.

    Attributes:
        arrays: data set → `(n, …)`, objects in slots without the empty ones; a data set of rows may be there in one
            part and not in another only by mistake.
        counts: what happened to how many, in words.
    """

    arrays: Mapping[str, Rows]
    counts: Mapping[str, int]


def apply(plan: Plan, columns: Mapping[str, Any], first_row: int, lumi_mask: LumiMask | None = None) -> Made:
    """Return what a plan makes of some rows.

    Args:
        plan: of the file.
        columns: its columns, of these rows.
        first_row: for messages.
        lumi_mask: the certified luminosity sections; None for all.

    Raises:
        UserError: values that cannot be what the plan says.
    """
    counts: Counter[str] = Counter()
    scope = _Scope(plan, dict(columns))
    n_rows = len(next(iter(columns.values()), ()))
    counts["events read"] = n_rows
    kept = _kept(plan, scope, n_rows, lumi_mask)
    if kept is not None:
        scope = _Scope(plan, {name: array[kept] for name, array in columns.items()})
        counts["events not selected"] = n_rows - int(kept.sum())
        n_rows = int(kept.sum())
    entries = _Entries(plan, scope, n_rows)
    arrays: dict[str, Rows] = {}
    features: dict[str, dict[str, NDArray[Any]]] = {}
    for dataset, objects in plan.preset.sets.items():
        slots, names = _fill(plan, dataset, objects, scope, entries, first_row)
        arrays[dataset] = slots.rows
        if "pt" not in names:
            arrays[_MASK] = slots.filled.astype(np.uint8)
        counts[f"objects beyond the {objects.slots} slots of {dataset}"] += slots.beyond
        counts[f"objects of {dataset} with NaN or inf"] += slots.not_finite
        found = features.setdefault(FEATURES_OF_SETS, {})
        values = slots.values if objects.high_level else None
        by_name = {} if values is None else {name: values[..., i] for i, name in enumerate(names)}
        objects_of = Columns(by_name)
        for feature in objects.high_level:
            if not set(HIGH_LEVEL[feature].needs) <= set(by_name):
                raise UserError(f"{feature} needs the columns {', '.join(HIGH_LEVEL[feature].needs)} of {dataset}")
            found[feature] = high_level(feature, objects_of)
    for dataset in plan.preset.tables:
        found = features.setdefault(dataset, {})
        features[dataset] = {
            **{name: entries.numbers(text, scope) for name, text in plan.of(f"tables.{dataset}").items()},
            **found,
        }
    for dataset, by_name in features.items():
        if by_name:
            with np.errstate(over="ignore"):
                table = np.stack(list(by_name.values()), axis=1).astype(np.float32)
            counts[f"rows of {dataset} with NaN or inf"] += int((~np.isfinite(table).all(axis=1)).sum())
            arrays[dataset] = table
    for name, text in plan.of("arrays").items():
        arrays[name] = entries.dense(text, scope, name)
    for name, text in plan.of("rows").items():
        arrays[name] = entries.numbers(text, scope)
    counts["entries"] = entries.n
    return Made(arrays, counts)


class _Scope:
    """Columns by name: those of the file, words that stand for them, and what is defined by an expression."""

    def __init__(self, plan: Plan, columns: dict[str, Any]) -> None:
        self._plan = plan
        self._columns = columns
        self._defined: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        define = self._plan.preset.define
        if name in define:
            if name not in self._defined:
                self._defined[name] = evaluate(define[name], self)
            return self._defined[name]
        found = self._plan.aliases.get(name, name)
        if found not in self._columns:
            raise MissingColumn(found)
        return self._columns[found]


class _Entries:
    """Entries: the events, or objects of them, to which everything is brought."""

    def __init__(self, plan: Plan, scope: _Scope, n_rows: int) -> None:
        self._counts: NDArray[np.int64] | None = None
        self._kept: NDArray[np.bool_] | None = None
        self.n = n_rows
        if plan.preset.of is not None:
            import awkward as ak

            of = evaluate(plan.preset.of, scope)
            if not is_jagged(of):
                raise UserError(f"{plan.preset.of} is no list of objects; entries are made of one")
            self._counts = np.asarray(ak.to_numpy(ak.num(of, axis=1)), dtype=np.int64)
            self.n = int(self._counts.sum())
            if plan.preset.where is not None:
                self._kept = np.asarray(self.column(evaluate(plan.preset.where, scope)) != 0)
                self.n = int(self._kept.sum())

    def column(self, array: Any) -> Any:
        """Return an array with one row for each entry; what an event has, each of its objects has."""
        if self._counts is None:
            return array
        if is_jagged(array):
            import awkward as ak

            if not np.array_equal(ak.to_numpy(ak.num(array, axis=1)), self._counts):
                raise UserError("a column has another number of objects than there are entries in an event")
            flat = ak.flatten(array, axis=1)
            array = ak.to_numpy(flat) if flat.ndim == 1 else flat
        else:
            plain = np.asarray(array)
            array = np.repeat(np.broadcast_to(plain, (len(self._counts), *plain.shape[1:])), self._counts, axis=0)
        return array if self._kept is None else array[self._kept]

    def numbers(self, text: str, scope: Callable[[str], Any]) -> NDArray[Any]:
        """Return one number for each entry."""
        array = self.column(evaluate(text, scope))
        plain = _plain(array, text)
        plain = np.broadcast_to(plain, self.n) if plain.ndim == 0 else plain
        if plain.shape == (self.n, 1):
            plain = plain[:, 0]
        if plain.shape != (self.n,):
            raise UserError(f"{text!r} has the shape {plain.shape}; one number for each of {self.n} entries is needed")
        return plain

    def dense(self, text: str, scope: Callable[[str], Any], name: str) -> NDArray[Any]:
        """Return an array `(n, …)`."""
        plain = _plain(self.column(evaluate(text, scope)), text)
        if not plain.ndim or len(plain) != self.n:
            raise UserError(f"{name}: {text!r} has the shape {plain.shape}; {self.n} rows are needed")
        return plain.astype(np.float32) if plain.dtype == np.float64 else plain


def _plain(array: Any, text: str) -> NDArray[Any]:
    if not is_jagged(array):
        return np.asarray(array)
    import awkward as ak

    try:
        return np.asarray(ak.to_numpy(array))
    except ValueError as error:
        raise UserError(
            f"{text!r} is a list of another length in each entry; one number is needed, such as first({text})"
        ) from error


def _kept(plan: Plan, scope: _Scope, n_rows: int, lumi_mask: LumiMask | None) -> NDArray[np.bool_] | None:
    kept = None
    if plan.select is not None:
        selected = _plain(evaluate(plan.select, scope), plan.select)
        if selected.shape != (n_rows,):
            raise UserError(f"select={plan.select}: one answer for each event is needed, such as any(Jet_pt > 500)")
        kept = selected != 0
    if lumi_mask is not None:
        certified = lumi_mask(np.asarray(scope("run")), np.asarray(scope("luminosityBlock")))
        kept = certified if kept is None else kept & certified
    return kept


def _fill(
    plan: Plan, dataset: str, objects: ObjectSet, scope: _Scope, entries: _Entries, first_row: int
) -> tuple[Slots, tuple[str, ...]]:
    texts = plan.of(f"sets.{dataset}")
    if not texts:
        raise UserError(f"no column of {dataset} is there; {plan.preset.title} has them")
    columns = {name: entries.column(evaluate(text, scope)) for name, text in texts.items()}

    def own_first(name: str) -> Any:
        return columns[name] if name in columns else entries.column(scope(name))

    where = None if objects.where is None else evaluate(objects.where, own_first)
    sort = objects.sort if objects.sort in columns else None
    slots = into_slots(columns, objects.slots, entries.n, sort, where)
    if "pt" in columns:
        negative = slots.rows.objects[:, list(columns).index("pt")] < 0
        if negative.any():
            n_negative = len(np.unique(np.repeat(np.arange(entries.n), slots.rows.counts)[negative]))
            raise UserError(
                f"pt of {dataset} is negative in {n_negative} of {entries.n} entries from row {first_row} "
                "on; `where: pt > 0` in the preset leaves such objects out"
            )
    return slots, tuple(columns)


def checked_row(name: str, values: Rows, first_row: int) -> Rows:
    """Return a truth as 0 and 1, and weights as float32; raise `UserError` where they are none."""
    if isinstance(values, PaddedRows):
        return values
    if name == LABEL:
        strange = ~np.isin(values, (0, 1))
        if strange.any():
            row = int(strange.argmax())
            raise UserError(
                f"label is {values[row]} in row {first_row + row}; 0 for background and 1 for signal are needed"
            )
        return values.astype(np.uint8)
    if name == WEIGHT_DATASET:
        bad = ~np.isfinite(values) | (values < 0)
        if bad.any():
            row = int(bad.argmax())
            raise UserError(f"weight is {values[row]} in row {first_row + row}; finite numbers from 0 are needed")
        return values.astype(np.float32)
    return values
