"""Small tables between the stages of a search: HDF5 files that every run reads with `data=table`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad import __version__
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, open_hdf5, read_rows, safe_dataset, text_attribute, write_hdf5
from hepad.core.schema import TABLE_DATASET

Table = NDArray[np.float32]
"""`(N, F + 1)`: the features, and the observable as the last column."""

KEY: Final = "search_key"
"""Attribute that says of which settings and files something was made."""


def write_table(path: Path, values: Table, names: Sequence[str], key: str) -> None:
    """Write a table in one step."""
    with write_hdf5(path) as file:
        dataset = file.create_dataset(TABLE_DATASET, data=values.astype("<f4"), track_times=False)
        dataset.attrs["features"] = list(names)
        file.attrs["sample"], file.attrs["source"] = path.stem, "hepad search"
        file.attrs["hepad_version"], file.attrs[KEY] = __version__, key


def read_table(path: Path) -> tuple[Table, tuple[str, ...]]:
    """Return a table and the names of its columns."""
    with open_hdf5(path) as file:
        dataset = safe_dataset(file, TABLE_DATASET)
        return read_rows(dataset), feature_names(dataset, ())


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], key: str) -> None:
    """Write arrays by name in one step; a name may have slashes."""
    with write_hdf5(path) as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, track_times=False)
        file.attrs[KEY] = key


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return arrays by name."""
    with open_hdf5(path) as file:
        return {name: read_rows(safe_dataset(file, name)) for name in names}


def is_made(path: Path, key: str) -> bool:
    """Return whether a file is there, whole, and made of what it should be made of."""
    if not path.is_file():
        return False
    try:
        with open_hdf5(path) as file:
            return text_attribute(file, KEY) == key
    except UserError:
        return False
