"""Mass spectra beyond cuts, with the fitted background, its error, the window and the significance of each bin."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.stats import chi2

from hepad.metrics import count_significance
from hepad.plots.search_style import (
    FIT_COLOR,
    first_of_rows,
    observable_label,
    panel_grid,
    shade_window,
    sign_panels,
)
from hepad.plots.style import house_style

_ROOM: Final = 0.34
"""Share of the upper panel that the text and the legend take."""
_EDGE: Final = 0.07
"""Share of the lower panel's height that has no levels named, at either end."""
_ONE_SIGMA: Final = 0.158655254
_AT_LEAST: Final = 3.8
_LARGEST: Final = 100.0
"""Of a significance that is drawn; bars of larger ones end in an arrow at the edge."""


@dataclass(frozen=True)
class MassSpectrum:
    """A spectrum beyond one cut.

    Attributes:
        title: such as `top 1%`.
        edges: of the bins, (B + 1,).
        counts: (B,).
        expected: background, (B,); empty where nothing was fitted.
        errors: of `expected`, (B,); empty as well.
        told: lines of text in the panel.
        failure: why there is no fit; no curve is drawn then.
    """

    title: str
    edges: Sequence[float]
    counts: Sequence[float]
    expected: Sequence[float] = ()
    errors: Sequence[float] = ()
    told: Sequence[str] = ()
    failure: str = ""


def plot_search_spectrum(
    spectra: Sequence[MassSpectrum],
    window: tuple[float, float],
    *,
    observable: str,
    unit: str = "",
    note: str | None = None,
) -> Figure:
    """Spectra beyond several cuts side by side, each with its fit and, below, how significant it differs.

    What remains of a bin is the significance of its count (`hepad.metrics.count_significance`), below 0 for a deficit
    and 0 where a count is as usual as can be; one beyond ±100 ends in an arrow at the edge. Error bars are the central
    68% intervals of Poisson means (Garwood 1936).

    Args:
        spectra: one for each cut.
        window: its ends; shaded.
        observable, unit: for the axis.
        note: what the data are.

    Raises:
        ValueError: no spectra.

    >>> from hepad.plots.search_spectrum import MassSpectrum, plot_search_spectrum
    >>> spectrum = MassSpectrum("top 1%", [3, 4, 5, 6], [30, 25, 9], [28, 16, 9], [2, 1, 1])
    >>> figure = plot_search_spectrum([spectrum], (4, 5), observable="m_jj", unit="TeV")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Entries per bin', 'Significance']
    """
    if not spectra:
        raise ValueError("no spectra to plot")
    with house_style():
        figure, panels = panel_grid(len(spectra), below=1.9)
        for (top, below), spectrum in zip(panels, spectra, strict=True):
            _panel(top, below, spectrum, window)
            below.set_xlabel(observable_label(observable, unit))
        for top, below in first_of_rows(panels):
            top.set_ylabel("Entries per bin")
            below.set_ylabel("Significance")
            figure.align_ylabels([top, below])
        fitted = [panel[0] for panel, spectrum in zip(panels, spectra, strict=True) if _is_fitted(spectrum)]
        _legend((fitted or [panels[0][0]])[0])
        sign_panels(panels, note)
    return figure


def _is_fitted(spectrum: MassSpectrum) -> bool:
    return len(spectrum.expected) > 0 and not spectrum.failure


def _panel(top: Axes, below: Axes, spectrum: MassSpectrum, window: tuple[float, float]) -> None:
    edges, counts = np.asarray(spectrum.edges, dtype=float), np.asarray(spectrum.counts, dtype=float)
    centers = (edges[1:] + edges[:-1]) / 2
    fitted = _is_fitted(spectrum)
    shade_window(top, *window, top=1 - 0.9 * _ROOM, label="Window")
    shade_window(below, *window)
    if fitted:
        expected, errors = (np.asarray(values, dtype=float) for values in (spectrum.expected, spectrum.errors))
        low, high = np.maximum(expected - errors, 0), expected + errors
        top.fill_between(
            *_steps(edges, low, high), color=FIT_COLOR, alpha=0.35, linewidth=0, label="Fit error", zorder=1.5
        )
        top.stairs(expected, edges, color=FIT_COLOR, linewidth=2.2, label="Background", zorder=2, baseline=None)
    log = _limits(top, counts, np.asarray(spectrum.expected if fitted else (), dtype=float))
    interval = poisson_interval(counts)
    shown = counts > 0 if log else counts >= 0
    top.errorbar(
        centers[shown],
        counts[shown],
        yerr=np.abs(interval - counts)[:, shown],
        fmt="o",
        color="black",
        markersize=5.5,
        elinewidth=1.5,
        label="Data",
        zorder=3,
    )
    for axes in (top, below):
        axes.set_xlim(edges[0], edges[-1])
    top.tick_params(labelbottom=False)
    _tell(top, spectrum)
    if fitted:
        _significances(below, edges, counts, expected, errors, window)
    else:
        below.text(0.5, 0.5, "no fit", transform=below.transAxes, ha="center", va="center", fontsize=18, color="0.3")
        below.set_yticks([])
        below.minorticks_off()


def _legend(axes: Axes) -> None:
    order = ["Data", "Background", "Fit error", "Window"]
    handles, labels = axes.get_legend_handles_labels()
    entries = sorted(zip(labels, handles, strict=True), key=lambda entry: order.index(entry[0]))
    axes.legend([h for _, h in entries], [name for name, _ in entries], loc="upper right", fontsize=16)


def _significances(
    axes: Axes,
    edges: NDArray[np.float64],
    counts: NDArray[np.float64],
    expected: NDArray[np.float64],
    errors: NDArray[np.float64],
    window: tuple[float, float],
) -> None:
    z = count_significance(counts, np.maximum(expected, 0), errors)
    centers = (edges[1:] + edges[:-1]) / 2
    beyond = np.abs(z) > _LARGEST
    z = np.clip(z, -_LARGEST, _LARGEST)
    low, high = min(-_AT_LEAST, 1.15 * float(z.min())), max(_AT_LEAST, 1.15 * float(z.max()))
    for center, height in zip(centers[beyond], z[beyond], strict=True):
        axes.plot(center, 1.06 * height, "^" if height > 0 else "v", color="black", markersize=8, zorder=3)
    inside = (centers >= window[0]) & (centers < window[1])
    for chosen, color in ((~inside, "0.45"), (inside, "#bd1f01")):
        axes.bar(centers[chosen], z[chosen], np.diff(edges)[chosen], color=color, linewidth=0, zorder=2)
    for level in (-2, 0, 2):
        axes.axhline(level, color="black" if level == 0 else "0.4", linewidth=1, linestyle="-" if level == 0 else ":")
    axes.set_ylim(low, high)
    # The name of a level at the edge would touch those of the panel above.
    levels = MaxNLocator(5, steps=[2, 5, 10], integer=True).tick_values(low, high)
    room = _EDGE * (high - low)
    axes.set_yticks([level for level in levels if low + room <= level <= high - room])


def _steps(
    edges: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return np.repeat(edges, 2)[1:-1], np.repeat(low, 2), np.repeat(high, 2)


def _limits(axes: Axes, counts: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    """Return whether counts span decades and have a logarithmic axis; leave room above for text and legend."""
    values = np.concatenate([counts, expected])
    highest = max(float(values.max()), 1.0)
    positive = values[values > 0]
    lowest = float(positive.min()) if positive.size else 1.0
    if highest > 25 * lowest and highest > 40:
        axes.set_yscale("log")
        low = max(0.5 * lowest, 0.3 if expected.size == 0 or lowest > 0.1 else 0.05)
        axes.set_ylim(low, low * (1.6 * highest / low) ** (1 / (1 - _ROOM)))
        return True
    # Error bars of few entries are long.
    axes.set_ylim(0, max(1.35 * highest, 1.05 * float(poisson_interval(counts)[1].max())) / (1 - _ROOM))
    return False


def _tell(axes: Axes, spectrum: MassSpectrum) -> None:
    failed = bool(spectrum.failure)
    lines = textwrap.wrap(f"No fit: {spectrum.failure}", 26, max_lines=5, placeholder=" …") if failed else spectrum.told
    words: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "ha": "left", "linespacing": 1.35}
    axes.text(0.04, 0.965, spectrum.title, fontsize=18, fontweight="bold", **words)
    axes.text(
        0.04,
        0.885,
        "\n".join(line.replace("$", r"\$") for line in lines),
        fontsize=16,
        color="#bd1f01" if failed else "black",
        **words,
    )


def poisson_interval(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends, (2, B), of the central 68% intervals of Poisson means (Garwood 1936)."""
    low = np.where(counts > 0, chi2.ppf(_ONE_SIGMA, 2 * np.maximum(counts, 1)) / 2, 0.0)
    return np.stack([low, chi2.ppf(1 - _ONE_SIGMA, 2 * (counts + 1)) / 2])
