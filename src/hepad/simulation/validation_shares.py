"""Histograms of the quantities of several samples, each a share of its sample."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from hepad.simulation.records import Array
from hepad.simulation.validation_drawing import COLOURS, add_legend, draw_plots


class Shares(NamedTuple):
    """Histogram of a quantity: its edges (B + 1,), what it is with its unit, and whether its axis of shares is log."""

    edges: Array
    label: str
    log: bool = False


def draw_shares(
    samples: Mapping[str, Mapping[str, Array]],
    plots: Mapping[str, Shares],
    ylabel: str,
    directory: Path,
    prefix: str,
    beams: str = "13 TeV",
) -> list[Path]:
    """Draw a histogram of each quantity, `<directory>/<prefix><quantity>.png`, and return the files.

    Args:
        samples: name → quantity → values (N,).
        plots: quantity → how it is drawn.
        ylabel: what the shares are of.
        directory, prefix: of the files.
        beams: energy of the collisions; empty where there are none.
    """
    drawing = {name: partial(_draw, name=name, plot=plot, ylabel=ylabel) for name, plot in plots.items()}
    return draw_plots(drawing, samples, directory, prefix, beams)


def _draw(axes: Axes, samples: Mapping[str, Mapping[str, Array]], name: str, plot: Shares, ylabel: str) -> None:
    for (sample, quantities), colour in zip(samples.items(), COLOURS, strict=False):
        values = quantities[name]
        share = np.histogram(values, plot.edges)[0] / len(values)
        axes.stairs(share, plot.edges, color=colour, linewidth=2, label=sample)
    axes.set(xlabel=plot.label, ylabel=ylabel, xlim=(plot.edges[0], plot.edges[-1]))
    if plot.log:
        axes.set_yscale("log")
    add_legend(axes, plot.log)
