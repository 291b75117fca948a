"""Histograms of the quantities of several samples, each a share of its sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hepad.simulation.records import Array
from hepad.simulation.validation_drawing import COLOURS, add_legend, label_axes


class Shares(NamedTuple):
    """Histogram of a quantity: its edges (B + 1,), what it is with its unit, and whether its axis of shares is log."""

    edges: Array
    label: str
    log: bool = False


def draw_shares(
    samples: Mapping[str, Mapping[str, Array]], plots: Mapping[str, Shares], ylabel: str, directory: Path, prefix: str
) -> list[Path]:
    """Draw a histogram of each quantity, `<directory>/<prefix><quantity>.png`, and return the files.

    Args:
        samples: name → quantity → values (N,).
        plots: quantity → how it is drawn.
        ylabel: what the shares are of.
        directory, prefix: of the files.
    """
    paths = []
    with mpl.rc_context():
        mplhep.style.use("CMS")
        mpl.rcParams.update({"font.size": 20, "legend.fontsize": 16, "figure.figsize": (9, 8)})
        for name, plot in plots.items():
            figure = Figure()
            axes = figure.add_subplot()
            for (sample, quantities), colour in zip(samples.items(), COLOURS, strict=False):
                values = quantities[name]
                share = np.histogram(values, plot.edges)[0] / len(values)
                axes.stairs(share, plot.edges, color=colour, linewidth=2, label=sample)
            axes.set(xlabel=plot.label, ylabel=ylabel, xlim=(plot.edges[0], plot.edges[-1]))
            if plot.log:
                axes.set_yscale("log")
            add_legend(axes, plot.log)
            label_axes(axes)
            paths.append(directory / f"{prefix}{name}.png")
            figure.savefig(paths[-1], dpi=70, bbox_inches="tight", metadata={"Software": None})
    return paths
