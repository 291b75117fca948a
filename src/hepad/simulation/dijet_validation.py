"""Checks of dijet samples: masses, substructure and angles of the two jets, as plots and a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import DIJET_FEATURES, TABLE_DATASET
from hepad.simulation.records import Array
from hepad.simulation.validation_shares import Shares, draw_shares

_PLOTS: Final = {
    "m_jj": Shares(np.arange(2000, 6001, 100), r"$m_{jj}$ [GeV]", log=True),
    "m_j1": Shares(np.linspace(0, 1000, 51), "Mass of the heavier jet [GeV]"),
    "m_j2": Shares(np.linspace(0, 500, 51), "Mass of the lighter jet [GeV]"),
    "delta_m": Shares(np.linspace(0, 1000, 51), "Difference of the masses [GeV]"),
    "tau21_j1": Shares(np.linspace(0, 1, 51), r"$\tau_{21}$ of the heavier jet"),
    "tau21_j2": Shares(np.linspace(0, 1, 51), r"$\tau_{21}$ of the lighter jet"),
    "delta_eta": Shares(np.linspace(0, 4, 41), "Δη of the jets"),
    "delta_r": Shares(np.linspace(2, 5, 61), "ΔR of the jets"),
}
_SHOWN: Final = ("m_jj", "m_j1", "m_j2", "tau21_j1", "tau21_j2")


def validate_dijets(files: Mapping[str, Path], directory: Path, limit: int = 200_000) -> list[Path]:
    """Draw the plots of `files` in `directory`, print the table, and return what was written.

    Args:
        files: sample → its file.
        directory: where the plots go.
        limit: the most events of a sample that are read.
    """
    samples: dict[str, dict[str, Array]] = {}
    for sample, path in files.items():
        with open_hdf5(path) as file:
            samples[sample] = dict(zip(DIJET_FEATURES, file[TABLE_DATASET][:limit].T, strict=True))
    directory.mkdir(parents=True, exist_ok=True)
    table = dijet_table_of(samples)
    print(table)
    path = directory / "dijets.txt"
    path.write_text(table + "\n")
    written = [path, *draw_shares(samples, _PLOTS, "Share of events", directory, "dijet_")]
    print(f"{len(written) - 1} validation plots of dijets in {directory}")
    return written


def dijet_table_of(samples: Mapping[str, Mapping[str, Array]]) -> str:
    """Return a text table of the median and the 16% and 84% quantiles of some columns of each sample."""
    lines = [f"{'sample':14} {'events':>7}" + "".join(f" {name:>20}" for name in _SHOWN)]
    for sample, columns in samples.items():
        line = f"{sample:14} {len(columns['m_jj']):7}"
        for name in _SHOWN:
            low, middle, high = np.quantile(columns[name], [0.16, 0.5, 0.84])
            digits = 0 if name.startswith("m_") else 2
            line += f" {f'{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]':>20}"
        lines.append(line)
    return "\n".join(lines)
