"""Checks of fat-jet samples: mass, pT, multiplicity and shape, as plots and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import FAT_JET_FEATURES, JET_CONSTITUENTS_DATASET, JET_FEATURES_DATASET
from hepad.simulation.records import Array, wrap_phi
from hepad.simulation.validation_shares import Shares, draw_shares


@dataclass(frozen=True)
class FatJetData:
    """A sample's quantities, name → (N,): the columns of `jet_features`, and `width`, the mean ΔR weighted with pT."""

    name: str
    quantities: dict[str, Array]


_PLOTS: Final = {
    "mass": Shares(np.linspace(0, 300, 61), "Jet mass [GeV]"),
    "pt": Shares(np.linspace(540, 660, 25), "Jet $p_T$ [GeV]"),
    "eta": Shares(np.linspace(-2.2, 2.2, 23), "Jet η"),
    "nConstituents": Shares(np.arange(0, 142, 4) - 0.5, "Constituents of jets"),
    "width": Shares(np.linspace(0, 0.5, 51), "Width: mean ΔR weighted with $p_T$"),
    "area": Shares(np.linspace(1.4, 2.6, 61), "Jet area"),
}


def read_fat_jets(path: Path, limit: int = 50_000) -> FatJetData:
    """Read up to `limit` jets of a simulated sample."""
    with open_hdf5(path) as file:
        features = file[JET_FEATURES_DATASET][:limit]
        pt, eta, phi = np.moveaxis(file[JET_CONSTITUENTS_DATASET][:limit].astype(np.float64), -1, 0)
        name = str(file.attrs["sample"])
    quantities = dict(zip(FAT_JET_FEATURES, features.T, strict=True))
    distance = np.hypot(eta - quantities["eta"][:, None], wrap_phi(phi - quantities["phi"][:, None]))
    quantities["width"] = (pt * distance).sum(axis=1) / pt.sum(axis=1)
    return FatJetData(name, quantities)


def validate_fat_jets(files: Mapping[str, Path], directory: Path) -> list[Path]:
    """Draw the plots of `files` in `directory`, print the table, and return what was written."""
    samples = [read_fat_jets(path) for path in files.values()]
    directory.mkdir(parents=True, exist_ok=True)
    table = fat_jet_table(samples)
    print(table)
    path = directory / "fat_jets.txt"
    path.write_text(table + "\n")
    quantities = {sample.name: sample.quantities for sample in samples}
    written = [path, *draw_shares(quantities, _PLOTS, "Share of jets", directory, "fat_jet_")]
    print(f"{len(written) - 1} validation plots of fat jets in {directory}")
    return written


def fat_jet_table(samples: Sequence[FatJetData]) -> str:
    """Return a text table of what jets of each sample look like: mass (median, 16% and 84% quantile) and means."""
    lines = [f"{'sample':12} {'jets':>7} {'mass':>6} {'16%':>6} {'84%':>6} {'pT':>6} {'constituents':>12} {'width':>6}"]
    for sample in samples:
        mass = np.quantile(sample.quantities["mass"], [0.5, 0.16, 0.84])
        pt, n, width = (sample.quantities[name].mean() for name in ("pt", "nConstituents", "width"))
        n_jets = len(sample.quantities["pt"])
        lines.append(
            f"{sample.name:12} {n_jets:7} {mass[0]:6.1f} {mass[1]:6.1f} {mass[2]:6.1f} {pt:6.1f} {n:12.1f} {width:6.3f}"
        )
    return "\n".join(lines)
