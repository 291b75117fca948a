"""Figures as bytes and as files."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from hepad.core.files import atomic_write_bytes
from hepad.plots.style import house_style

DPI: Final = 80
"""Pixels per inch of a PNG: 800 × 640 for most figures, 60 to 120 kB."""

# Without them a file would differ from run to run.
_NO_DATES: Final[dict[str, dict[str, None]]] = {
    "png": {"Software": None},
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
    with house_style():
        figure.savefig(buffer, format=format, dpi=DPI, facecolor="white", metadata=_NO_DATES.get(format))
    return buffer.getvalue()


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
