"""The look shared by all figures, never left behind in matplotlib's settings, and figures as bytes and files."""

import io
import math
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import mplhep
import numpy as np
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from hepad.core.files import atomic_write_bytes
from hepad.plots.ticks import ticks_placed_once

FIGURE_SIZE: Final = (10.0, 8.0)
"""Inches; at the default resolution of `save_figure` 800 × 640 pixels."""

STYLE: Final[dict[str, Any]] = {
    **mplhep.style.ROOT,
    # Glyphs that the HEP font lacks come from the second one.
    "font.family": ["TeX Gyre Heros", "DejaVu Sans"],
    "font.size": 21,
    "legend.fontsize": 17,
    "axes.linewidth": 1.5,
    "lines.linewidth": 2.2,
    "xtick.major.size": 9,
    "xtick.minor.size": 4.5,
    "ytick.major.size": 9,
    "ytick.minor.size": 4.5,
    "xtick.labelsize": 18,
    "ytick.labelsize": 18,
    "axes.titlesize": 20,
    "axes.titlepad": 8,
    "hatch.linewidth": 0.8,
}


SEQUENTIAL: Final = LinearSegmentedColormap.from_list("hepad", colormaps["YlGnBu"](np.linspace(0.15, 1.0, 256)))
"""Colours of what grows from little to much: from pale to dark, never white, which is left to what is not there.

On a dark page, where light and dark change places, little is dark and much is bright.
"""


def house_style() -> AbstractContextManager[None]:
    """A context in which figures are made, and saved, in the project's style; the old settings come back after it.

    >>> import matplotlib
    >>> from hepad.plots import house_style
    >>> before = matplotlib.rcParams["font.size"]
    >>> with house_style():
    ...     matplotlib.rcParams["font.size"]
    21.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    return style.context(STYLE)


def new_figure(note: str | None = None, size: tuple[float, float] = FIGURE_SIZE) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes, to be called inside `house_style()`.

    No pyplot: such a figure belongs to nobody, needs no display and is freed when it is dropped.

    Args:
        note: what the data are, such as `Simulation, 13 TeV`; nothing is claimed unless it is given.
        size: width and height in inches.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    sign(axes, note)
    return figure, axes


def sign(axes: Axes, note: str | None = None) -> None:
    """Write `hepad` above the axes on the left, and `note` on the right."""
    axes.set_title("hepad", loc="left", fontweight="bold")
    if note:
        axes.set_title(note, loc="right")


def legend_above_data(axes: Axes, columns: int = 2, **kwargs: Any) -> None:
    """Put the legend at the top of the axes and raise the upper limit until no data lie under it.

    Call it last, when the limits fit the data.
    """
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    rows = math.ceil(len(handles) / columns)
    legend = axes.legend(handles, labels, loc="upper left", ncols=columns, **kwargs)
    size = float(legend.get_texts()[0].get_fontsize()) / 72
    assert isinstance(axes.figure, Figure)
    # About four fifths of the figure's height belong to the axes; a line takes about 1.5 times its font size.
    share = min((rows * 1.5 + 1.0) * size / (0.82 * axes.figure.get_figheight()), 0.7)
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, low * (high / low) ** (1 / (1 - share)))
    else:
        axes.set_ylim(low, low + (high - low) / (1 - share))


def legend_below(axes: Axes, columns: int = 2, **kwargs: Any) -> None:
    """Put the legend under the axes and make the figure taller by as much, so that the axes keep their size and limits.

    Call it last: entries that are drawn later are not in it.
    """
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    figure = axes.figure
    assert isinstance(figure, Figure)
    arranged = isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine)
    legend = figure.legend(
        handles, labels, ncols=columns, loc="outside lower left" if arranged else "lower left", **kwargs
    )
    # A line takes about 1.5 times its font size.
    size = float(legend.get_texts()[0].get_fontsize()) / 72
    width, height = figure.get_size_inches()
    taller = height + (math.ceil(len(handles) / columns) * 1.5 + 1.0) * size
    figure.set_size_inches(width, taller)
    if not arranged:
        # Where margins are fixed nothing moves by itself.
        fixed, scale = axes.get_position(), height / taller
        axes.set_position((fixed.x0, 1 - (1 - fixed.y0) * scale, fixed.width, fixed.height * scale))


DPI: Final = 80
"""Pixels per inch of a PNG: 800 × 640 for most figures, 60 to 120 kB."""

_COMPRESSION: Final = 2
"""Of zlib: 2% larger than its usual 6, in a third of the time."""

# Without them a file would differ from run to run.
_NO_DATES: Final[dict[str, dict[str, None]]] = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}


def figure_bytes(figure: Figure, format: str = "png") -> bytes:
    """A figure as the bytes of a file.

    Args:
        figure: any figure of `hepad.plots`.
        format: `png`, `pdf` or `svg`.

    >>> from hepad.plots import figure_bytes, plot_learning_curves
    >>> figure_bytes(plot_learning_curves({"val/loss": [1.0, 0.5, 0.4]}))[1:4]
    b'PNG'
    """
    buffer = io.BytesIO()
    # Ticks are made while drawing and take their look from the settings of that moment.
    with house_style(), ticks_placed_once(figure):
        if format == "png":
            _write_png(figure, buffer)
        else:
            figure.savefig(buffer, format=format, dpi=DPI, facecolor="white", metadata=_NO_DATES.get(format))
    return buffer.getvalue()


def _write_png(figure: Figure, file: io.BytesIO) -> None:
    """Write what `savefig` writes, drawn once: that draws a figure with a layout twice, the first time unseen."""
    dpi = figure.get_dpi()
    figure.set_facecolor("white")
    figure.set_dpi(DPI)
    try:
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba()))
        picture.save(file, format="png", dpi=(DPI, DPI), compress_level=_COMPRESSION)
    finally:
        figure.set_dpi(dpi)


def save_figure(figure: Figure, path: str | os.PathLike[str], formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write a figure in each format, each file in one step.

    Args:
        figure: any figure of `hepad.plots`.
        path: the file without a suffix; its directory must exist.
        formats: suffixes, of `png`, `pdf` and `svg`.

    Returns:
        The files written, in the order of `formats`.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from hepad.plots import plot_learning_curves, save_figure
    >>> figure = plot_learning_curves({"val/loss": [1.0, 0.5, 0.4]})
    >>> with TemporaryDirectory() as directory:
    ...     [path.name for path in save_figure(figure, Path(directory) / "loss", formats=["png", "pdf"])]
    ['loss.png', 'loss.pdf']
    """
    base = Path(path)
    return [
        atomic_write_bytes(base.with_name(f"{base.name}.{format}"), figure_bytes(figure, format)) for format in formats
    ]
