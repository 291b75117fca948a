"""Observables that made-up entries are conditioned on: read from a file, fixed, or drawn from a range."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.core.schema import INCIDENT_ENERGY
from hepad.data import ShowerDataModule
from hepad.data.columns import Columns, as_float32
from hepad.data.showers import incident_energy
from hepad.run.context_range import ContextRange
from hepad.run.loading import Run
from hepad.rundir.facts import read_provenance

_DEFAULT: Final = 10_000


def wanted_context(
    run: Run, kind: str, given: Path | Mapping[str, Any] | None, n: int | None, generator: torch.Generator
) -> NDArray[np.float32] | None:
    """Return the context `(N, K)` of entries that a run is to make up; None for a run that is conditioned on nothing.

    Args:
        run: the run.
        kind: of its data.
        given: a file with the observables, in its table or as data sets `(N,)`; or each observable by name with a
            value, or with two ends between which it is drawn evenly.
        n: how many entries; None for as many as the file has, or 10000.
        generator: the random numbers, from which nothing is drawn but for a range.

    Raises:
        UserError: a context that is missing, of no use, or of another number of rows.
    """
    names = run.context_names
    if given is None and names:
        raise UserError(
            f"{run.directory} is conditioned on {', '.join(names)}; context=FILE gives them, one row for each entry, "
            f"or context={{{', '.join(f'{name}: [LOW, HIGH]' for name in names)}}} draws them"
        )
    if given is None:
        return None
    if not names:
        raise UserError(f"{run.directory} is conditioned on nothing; leave context out")
    if isinstance(given, Mapping):
        what, values = "context", _drawn(names, given, _DEFAULT if n is None else n, generator)
    else:
        what, values = given.name, _read(names, kind, given)
    if n not in (None, len(values)):
        raise UserError(f"n={n}: {given} has {len(values)} rows, one for each entry; leave n out")
    seen = ContextRange(read_provenance(run.trained_in))
    seen.add(values)
    for remark in seen.remarks(what):
        print(f"note: {remark}", file=sys.stderr, flush=True)
    return values


def _drawn(names: tuple[str, ...], given: Mapping[str, Any], n: int, generator: torch.Generator) -> NDArray[np.float32]:
    if set(given) != set(names):
        raise UserError(
            f"context names {', '.join(given) or 'nothing'}; the run is conditioned on {', '.join(names)}, each of "
            "which needs a value, or two ends [LOW, HIGH]"
        )
    columns = []
    for name in names:
        low, high = given[name] if isinstance(given[name], list | tuple) else (given[name], given[name])
        if not low <= high or not np.isfinite([low, high]).all():
            raise UserError(f"context: {name}: [{low}, {high}]; two finite numbers are needed, the lower one first")
        share = torch.rand(n, generator=generator, dtype=torch.float64).numpy() if low < high else np.zeros(n)
        columns.append(low + (high - low) * share)
    return as_float32(columns)


def _read(names: tuple[str, ...], kind: str, path: Path) -> NDArray[np.float32]:
    with open_hdf5(path) as file:
        columns = {}
        for name in names:
            if name == INCIDENT_ENERGY and kind == ShowerDataModule.kind:
                # In GeV, whatever the unit in the file.
                found = incident_energy(file)
                if found is None:
                    raise UserError(f"context={path} has no column {name}")
                columns[name] = found
            elif has_dataset(file, name) and file[name].ndim == 1:
                columns[name] = read_rows(safe_dataset(file, name))
            else:
                table = Columns(file)
                if name not in table.names:
                    raise UserError(f"context={path} has no column {name}; it has {', '.join(table.names)}")
                columns[name] = table.read([name], slice(0, table.n_rows([name])))[name]
    values = as_float32([columns[name] for name in names])
    if not len(values) or not np.isfinite(values).all():
        raise UserError(f"context={path}: finite numbers are needed, one row for each entry")
    return values
