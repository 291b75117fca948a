"""Checks of a search's data before torch is imported: what a look at the columns of its table can refuse."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.core.schema import TABLE_DATASET, WEIGHT_DATASET
from hepad.searches.sample_checks import (
    IDENTIFIERS,
    TRUTH,
    check_context,
    check_entries,
    check_features,
    check_hidden_truth,
    check_weights,
    check_windows,
)
from hepad.searches.settings import Settings, read_settings
from hepad.searches.windows import placed_scan, scan_windows

_LARGEST: Final = 1 << 29
"""Bytes of a table that is looked at; larger ones are left to whoever reads them."""


@dataclass(frozen=True)
class _Look:
    """Columns of a table.

    Attributes:
        names: of all columns.
        values: `(N, F)`.
        weights_equal: it has no weights, or all are 1.
        has_truth: a data set beside the table is the truth.
    """

    names: tuple[str, ...]
    values: NDArray[Any]
    weights_equal: bool
    has_truth: bool


def check_data(cfg: RunConfig) -> None:
    """Refuse settings and data of a search as `hepad.searches.preparing` does, as far as its table of HDF5 is plain.

    What is no such table (other formats, several files, a limit) is looked at later, by who reads it.

    Raises:
        UserError: something is wrong with them.
    """
    settings = read_settings(cfg)
    data = cfg.data.plain()
    observable = check_context(data.get("context") or [])
    if "features" not in data:
        return
    truth = str(data.get("truth") or TRUTH)
    features = data.get("features")
    if features is not None:
        check_features(features, observable, truth)
    path = _searched_file(settings, data)
    look = None if path is None or data.get("limit") is not None else _looked_at(path, data, truth)
    if path is None or look is None or observable not in look.names:
        return
    check_entries(path, len(look.values))
    if features is None:
        features = [name for name in look.names if name not in (observable, truth, TRUTH, *IDENTIFIERS)]
    known = [name for name in features if name in look.names]
    if not look.has_truth and truth not in look.names:
        check_hidden_truth(path, ((name, look.values[:, look.names.index(name)]) for name in known))
    check_weights(path, look.weights_equal)
    # In single precision, as a search keeps it.
    mass = look.values[:, look.names.index(observable)].astype(np.float32).astype(np.float64)
    if np.isfinite(mass).all():
        check_windows(scan_windows(placed_scan(settings.scan, mass, observable)), mass, observable)


def _searched_file(settings: Settings, data: Mapping[str, Any]) -> Path | None:
    """Return the file of the sample that is searched; None where it is not one file of this machine."""
    given = {name: file for name, file in data["samples"].items() if file is not None}
    bundled = bundled_files() if data.get("bundled") else {}
    left_out = {name for name, file in data["samples"].items() if file is None}
    files: dict[str, Any] = {name: path for name, path in bundled.items() if name not in left_out} | given
    background = data["background"]
    if background not in given and not bundled and given:
        background = next(iter(given))
    found = files.get(settings.sample or ("data" if "data" in files else background))
    if not isinstance(found, str | Path):
        return None
    path = Path(found).expanduser()
    return path if path.is_file() and h5py.is_hdf5(path) else None


def _looked_at(path: Path, data: Mapping[str, Any], truth: str) -> _Look | None:
    """Return the columns of a table; None where it is no plain one, or cannot be read."""
    try:
        with open_hdf5(path) as file:
            name = data.get("dataset") or TABLE_DATASET
            if not has_dataset(file, name):
                return None
            table = safe_dataset(file, name)
            names = feature_names(table, tuple(data.get("columns") or ()))
            if table.ndim != 2 or table.shape[1] != len(names) or table.size * table.dtype.itemsize > _LARGEST:
                return None
            equal = True
            if has_dataset(file, WEIGHT_DATASET):
                weight = safe_dataset(file, WEIGHT_DATASET)
                equal = weight.shape != table.shape[:1] or bool((read_rows(weight) == 1).all())
            return _Look(names, read_rows(table), equal, has_dataset(file, truth))
    except UserError:
        # Told in full where the samples are read.
        return None
