"""One small file for each kind of data, with what any of them may hold beside its entries: a mass, weights, a truth."""

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.data import (
    AnomalyDataModule,
    CaloDataModule,
    EventsDataModule,
    JetImagesDataModule,
    JetsDataModule,
    ShowerDataModule,
    TableDataModule,
)
from tests.conftest import TABLE_COLUMNS, make_images, make_jets, make_table

N_ROWS: Final = 200

_JETS: Final = make_jets(N_ROWS, 3.0, 15.0, seed=1)
_CONSTITUENTS: Final = np.random.default_rng(5).uniform(0.1, 0.5, (N_ROWS, 6, 3)).astype(np.float32)
_ARRAYS: Final[dict[type[AnomalyDataModule], dict[str, NDArray[Any]]]] = {
    CaloDataModule: {"calo_regions": make_images(N_ROWS, 2.0, 5.0, seed=3)},
    EventsDataModule: {"jet_event_data": _JETS},
    JetImagesDataModule: {"jet_constituents": _CONSTITUENTS},
    JetsDataModule: {"jet_event_data": _JETS},
    ShowerDataModule: {"shower_volume": np.random.default_rng(6).exponential(1, (N_ROWS, 4, 5, 6)).astype(np.float32)},
    TableDataModule: {"table": make_table(N_ROWS, seed=4)},
}
KINDS: Final = tuple(_ARRAYS)

MASS: Final = np.random.default_rng(7).uniform(2000, 5000, N_ROWS)
"""One for each row, `m_jj` of the files."""

REGIONS: Final = {"signal": {"m_jj": [3000, 4000]}, "sidebands": {"m_jj": [[None, 3000], [4000, None]]}}
TWO_ROLES: Final = [
    {"sample": "a", "region": "signal", "label": 1},
    {"sample": "a", "region": "sidebands", "label": 0, "weight": 0.5},
]


def write_kind(kind: type[AnomalyDataModule], path: Path, **more: Any) -> Path:
    """Write a file that a datamodule reads, with the mass of each row and more data sets."""
    with h5py.File(path, "w") as file:
        for name, array in {**_ARRAYS[kind], "m_jj": MASS, **more}.items():
            if array is not None:
                file[name] = array
        if kind is TableDataModule:
            file["table"].attrs["features"] = list(TABLE_COLUMNS)
    return path


def read_kind(kind: type[AnomalyDataModule], path: Path, **settings: Any) -> AnomalyDataModule:
    """Return the datamodule of a file as sample `a`, read."""
    given: dict[str, Any] = {"samples": {"a": str(path)}, "background": "a", "bundled": False, **settings}
    data = kind(**given)
    data.setup()
    return data
