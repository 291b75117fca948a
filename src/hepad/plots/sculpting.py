"""The spectrum of an observable of the background, above cuts on the score."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.metrics.samples import ScoredSample
from hepad.metrics.sculpting import Sculpting
from hepad.plots.labels import FloatArray, feature_edges, feature_label, sample_label
from hepad.plots.style import FIGURE_SIZE, house_style, legend_above_data, sign

_BINS: Final = 24
_COLORS: Final = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2")


def plot_sculpting(
    sample: ScoredSample, feature: str, found: Sculpting, *, n_bins: int = _BINS, note: str | None = None
) -> Figure:
    """Spectra of an observable for all entries and for those above each cut, each with the area 1, and their ratios.

    Args:
        sample: the background.
        feature: the observable, one of its features.
        found: what `score_sculpting` found for it.
        n_bins: bins of the spectra; the last one holds what lies beyond 99.5%. Cuts that fewer than four entries a bin
            pass are not drawn.
        note: what the data are.

    Raises:
        ValueError: the sample has no such feature.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, score_sculpting
    >>> from hepad.plots import plot_sculpting
    >>> mass = np.random.default_rng(0).exponential(100, 4000)
    >>> figure = plot_sculpting(ScoredSample("qcd", mass, {"mass": mass}), "mass", score_sculpting(mass, mass))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Share of entries per bin', 'Ratio to all']
    """
    if feature not in sample.features:
        raise ValueError(f"{sample.name} has no feature {feature!r}; it has {', '.join(sample.features)}")
    values = sample.features[feature]
    finite = np.isfinite(values)
    weight = np.ones(len(sample)) if sample.weight is None else sample.weight
    low, high = np.quantile(values[finite], [0.005, 0.995])
    held = np.clip(values, low, high)
    edges, log = feature_edges(held[finite], n_bins)
    everything, _ = _spectrum(held[finite], weight[finite], edges)
    with house_style():
        figure = Figure(figsize=FIGURE_SIZE, layout="constrained")
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
        sign(top, note)
        top.stairs(everything, edges, color="black", linewidth=2.5, label=f"{sample_label(sample.name)}, all")
        below.axhline(1, color="black", linewidth=1.5)
        # A spectrum of fewer entries than four a bin shows chance alone; the table has its number.
        shown = {cut: passing for cut, passing in found.passing.items() if passing.sum() >= 4 * n_bins}
        for color, (efficiency, passing) in zip(_COLORS, shown.items(), strict=False):
            share, error = _spectrum(held[passing], weight[passing], edges)
            top.stairs(share, edges, color=color, linewidth=2.5, label=cut_label(efficiency, found.divergence))
            known = (everything > 0) & (share > 0)
            centers = np.sqrt(edges[1:] * edges[:-1]) if log else (edges[1:] + edges[:-1]) / 2
            below.errorbar(
                centers[known],
                share[known] / everything[known],
                yerr=error[known] / everything[known],
                fmt="o",
                markersize=5,
                color=color,
                elinewidth=1.5,
            )
        top.set_yscale("log")
        below.set_yscale("log")
        if log:
            top.set_xscale("log")
        top.set_xlim(edges[0], edges[-1])
        top.set_ylabel("Share of entries per bin")
        below.set_ylabel("Ratio to all")
        below.set_xlabel(feature_label(feature))
        legend_above_data(top, columns=2)
    return figure


def cut_label(efficiency: float, divergence: Mapping[float, float]) -> str:
    """Return what a cut is called in the legend."""
    return f"top {100 * efficiency:g}%, JSD {divergence[efficiency]:.3f}"


def _spectrum(
    values: FloatArray, weight: FloatArray, edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shares of the entries in bins, and their standard errors."""
    content, _ = np.histogram(values, edges, weights=weight)
    squares, _ = np.histogram(values, edges, weights=weight**2)
    total = max(weight.sum(), np.finfo(np.float64).tiny)
    return content / total, np.sqrt(squares) / total
