"""Checks of fat-jet samples: mass, pT, multiplicity and shape, as plots and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import FAT_JET_FEATURES, JET_CONSTITUENTS_DATASET, JET_FEATURES_DATASET
from hepad.simulation.records import Array, wrap_phi
from hepad.simulation.validation_drawing import COLOURS, add_legend, label_axes


@dataclass(frozen=True)
class FatJetData:
    """A sample's quantities, name → (N,): the columns of `jet_features`, and `width`, the mean ΔR weighted with pT."""

    name: str
    quantities: dict[str, Array]


_PLOTS: Final[dict[str, tuple[Array, str]]] = {
    "mass": (np.linspace(0, 300, 61), "Jet mass [GeV]"),
    "pt": (np.linspace(540, 660, 25), "Jet $p_T$ [GeV]"),
    "eta": (np.linspace(-2.2, 2.2, 23), "Jet η"),
    "nConstituents": (np.arange(0, 142, 4) - 0.5, "Constituents of jets"),
    "width": (np.linspace(0, 0.5, 51), "Width: mean ΔR weighted with $p_T$"),
    "area": (np.linspace(1.4, 2.6, 61), "Jet area"),
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
    written = [path, *_draw(samples, directory)]
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


def _draw(samples: Sequence[FatJetData], directory: Path) -> list[Path]:
    paths = []
    with mpl.rc_context():
        mplhep.style.use("CMS")
        mpl.rcParams.update({"font.size": 20, "legend.fontsize": 16, "figure.figsize": (9, 8)})
        for name, (edges, label) in _PLOTS.items():
            figure = Figure()
            axes = figure.add_subplot()
            for sample, colour in zip(samples, COLOURS, strict=False):
                values = sample.quantities[name]
                share = np.histogram(values, edges)[0] / len(values)
                axes.stairs(share, edges, color=colour, linewidth=2, label=sample.name)
            axes.set(xlabel=label, ylabel="Share of jets", xlim=(edges[0], edges[-1]))
            add_legend(axes)
            label_axes(axes)
            paths.append(directory / f"fat_jet_{name}.png")
            figure.savefig(paths[-1], dpi=70, bbox_inches="tight", metadata={"Software": None})
    return paths
