"""Drawing of validation plots: histograms and profiles of several samples laid over each other."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepad.simulation.records import Array
from hepad.simulation.validation_samples import SampleData

# The colours of Petroff (arXiv:2107.02270), as CMS recommends: distinct to colour-blind readers too.
COLOURS: Final = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd", "#000000")

Samples = TypeVar("Samples")
Quantity: TypeAlias = Callable[[SampleData], Array]
Plot: TypeAlias = Callable[[Axes, Sequence[SampleData]], None]


def draw_plots(
    plots: Mapping[str, Callable[[Axes, Samples], None]],
    samples: Samples,
    directory: Path,
    prefix: str = "",
    beams: str = "13 TeV",
) -> list[Path]:
    """Draw each plot of the samples on axes of its own as `<directory>/<prefix><name>.png`, and return the files."""
    paths = []
    with mpl.rc_context():
        mplhep.style.use("CMS")
        mpl.rcParams.update({"font.size": 20, "legend.fontsize": 16, "figure.figsize": (9, 8)})
        for name, draw in plots.items():
            figure = Figure()
            axes = figure.add_subplot()
            draw(axes, samples)
            _label(axes, beams)
            paths.append(directory / f"{prefix}{name}.png")
            figure.savefig(paths[-1], dpi=70, bbox_inches="tight", metadata={"Software": None})
    return paths


def _label(axes: Axes, beams: str) -> None:
    """Write where the samples come from, in the manner of CMS but without its name."""
    above: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    axes.annotate("hepad", (0, 1), (0, 5), weight="bold", size=24, **above)
    axes.annotate("simulation", (0, 1), (84, 5), style="italic", size=19, **above)
    axes.annotate(beams, (1, 1), (0, 5), size=19, ha="right", **above)


def overlay(
    get: Quantity,
    edges: Array,
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
    log_x: bool = False,
    per_event: bool = False,
) -> Plot:
    """Return a plot of one quantity of all samples: normalised to 1, or to entries per event and unit."""

    def draw(axes: Axes, samples: Sequence[SampleData]) -> None:
        for sample, colour in zip(samples, COLOURS, strict=False):
            values = get(sample)
            counts, _ = np.histogram(values, edges)
            scale = len(sample.features) if per_event else max(len(values), 1)
            width = np.diff(edges) if per_event else 1.0
            height, error = counts / scale / width, np.sqrt(counts) / scale / width
            axes.stairs(height, edges, color=colour, linewidth=2, label=sample.name)
            filled = counts > 0
            centres = (edges[:-1] + edges[1:]) / 2
            axes.errorbar(centres[filled], height[filled], error[filled], fmt="none", color=colour, linewidth=1)
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(edges[0], edges[-1]))
        if log:
            axes.set_yscale("log")
        if log_x:
            axes.set_xscale("log")
        add_legend(axes, log)

    return draw


def add_legend(axes: Axes, log: bool = False) -> None:
    """Make room above the data and put the legend there."""
    low, high = axes.get_ylim()
    axes.set_ylim((low, high * (high / low) ** 0.35) if log else (0, high * 1.35))
    axes.legend(ncols=2, loc="upper right")


def profile(
    get_x: Quantity,
    get_y: Quantity,
    edges: Array,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
) -> Plot:
    """Return a plot of the mean of one quantity in bins of another, with the error of the mean."""

    def draw(axes: Axes, samples: Sequence[SampleData]) -> None:
        for sample, colour in zip(samples, COLOURS, strict=False):
            x, y = get_x(sample), get_y(sample)
            place = np.digitize(x, edges) - 1
            full = [i for i in range(len(edges) - 1) if (place == i).sum() >= 20]
            mean = [y[place == i].mean() for i in full]
            error = [y[place == i].std() / np.sqrt((place == i).sum()) for i in full]
            centres = (edges[:-1] + edges[1:]) / 2
            axes.errorbar(centres[full], mean, error, fmt="o", markersize=5, color=colour, label=sample.name)
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(edges[0], edges[-1]))
        if log_x:
            axes.set_xscale("log")
        add_legend(axes)

    return draw
