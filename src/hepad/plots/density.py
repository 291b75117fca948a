"""Checks of a density: calibration, latent points, correlations of draws beside those of real entries."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy import stats

from hepad.metrics.density import FloatArray, correlation_matrix, density_calibration
from hepad.plots.labels import feature_name
from hepad.plots.standard import StandardFigure
from hepad.plots.style import house_style

_REAL, _EXPECTED = "#3f90da", "0.3"
_NAMED_UP_TO = 20
_BINS = 20


def density_figures(
    real: ArrayLike,
    generated: ArrayLike,
    latent: ArrayLike | None,
    log_prob: ArrayLike,
    generated_log_prob: ArrayLike,
    feature_names: Sequence[str],
    background: str,
) -> Iterator[StandardFigure]:
    """Yield the figures of one density; the arguments are those of `DensityChecks`, and the names of its columns."""
    found = density_calibration(log_prob, generated_log_prob)
    points = (
        "; latent points, which are then draws of N(0, 1): their squared length, and the quantiles of each coordinate"
    )
    yield StandardFigure(
        "density_calibration",
        "Density",
        f"How often a draw of the density is as unlikely as held-out {background}, which is uniform where the density "
        f"is right (Kolmogorov-Smirnov distance {found.distance:.3f}, probability {found.probability:.2g})"
        f"{'' if latent is None else points}.",
        plot_calibration(found.p_values, latent),
    )
    yield StandardFigure(
        "density_correlations",
        "Density",
        f"Rank correlations of the columns in held-out {background}, in draws of the density, and their difference.",
        plot_correlation_matrices(real, generated, feature_names),
    )


def plot_calibration(p_values: ArrayLike, latent: ArrayLike | None) -> Figure:
    """Distribution of p-values; of latent points the squared length, and the quantiles of each of their coordinates.

    Args:
        p_values: `(N,)`.
        latent: `(N, D)`; None without any.
    """
    p = np.asarray(p_values, np.float64)
    with house_style():
        figure = Figure(figsize=(9 if latent is None else 21, 7), layout="constrained")
        panels = figure.subplots(1, 1 if latent is None else 3, squeeze=False)[0]
        counts, edges = np.histogram(p, _BINS, (0, 1))
        share, error = counts * _BINS / len(p), np.sqrt(np.maximum(counts, 1)) * _BINS / len(p)
        axes = panels[0]
        axes.errorbar(0.5 * (edges[1:] + edges[:-1]), share, error, fmt="o", color=_REAL, label="Background")
        axes.axhline(1, color=_EXPECTED, linestyle="--", label="Expected")
        axes.set_xlabel("p-value of the density")
        axes.set_ylabel("Density of entries")
        axes.set_ylim(0, 1.35 * max(1.0, float((share + error).max())))
        axes.legend(loc="upper right", fontsize=17)
        if latent is not None:
            _draw_latent(panels[1], panels[2], np.asarray(latent, np.float64))
    return figure


def _draw_latent(middle: Axes, right: Axes, points: FloatArray) -> None:
    n, dimensions = points.shape
    square = (points**2).sum(axis=1)
    law = stats.chi2(dimensions)
    high = max(float(law.ppf(0.9999)), float(np.quantile(square, 0.995)))
    grid = np.linspace(0, high, 400)
    middle.hist(
        np.clip(square, 0, high), bins=50, range=(0, high), density=True, color=_REAL, alpha=0.6, label="Background"
    )
    # Of one dimension it rises without end at 0.
    middle.plot(grid[1:], law.pdf(grid[1:]), color=_EXPECTED, linestyle="--", label=rf"$\chi^2$, {dimensions} d.o.f.")
    middle.set_xlabel("Squared length of latent points")
    middle.set_ylabel("Density of entries")
    middle.legend(loc="upper right", fontsize=17)
    expected = stats.norm.ppf((np.arange(n) + 0.5) / n)
    right.plot(expected, np.sort(points, axis=0), color=_REAL, alpha=0.5, linewidth=1)
    right.plot(expected[[0, -1]], expected[[0, -1]], color=_EXPECTED, linestyle="--")
    right.set_ylim(2.0 * expected[0], 2.0 * expected[-1])
    right.set_xlabel("Quantile of N(0, 1)")
    right.set_ylabel("Quantile of each latent coordinate")


def plot_correlation_matrices(real: ArrayLike, generated: ArrayLike, feature_names: Sequence[str]) -> Figure:
    """Rank correlations of real entries, of generated ones, and their difference.

    Args:
        real: `(N, F)`.
        generated: `(M, F)`.
        feature_names: F names.
    """
    tables: list[FloatArray] = [correlation_matrix(real), correlation_matrix(generated)]
    tables.append(tables[1] - tables[0])
    with house_style():
        figure = Figure(figsize=(24, 9.5), layout="constrained")
        panels = figure.subplots(1, 3)
        for axes, table, title in zip(panels, tables, ("Real", "Generated", "Generated less real"), strict=True):
            mesh = axes.pcolormesh(table, cmap="RdBu_r", vmin=-1, vmax=1)
            axes.set_title(title, fontsize=20)
            axes.invert_yaxis()
            axes.set_aspect("equal")
            axes.minorticks_off()
            axes.tick_params(which="both", length=0)
            at = np.arange(len(feature_names)) + 0.5
            if len(feature_names) <= _NAMED_UP_TO:
                names = [feature_name(name) for name in feature_names]
                axes.set_xticks(at, names, rotation=90, fontsize=12)
                axes.set_yticks(at, names if axes is panels[0] else [""] * len(names), fontsize=12)
            axes.set_xlabel("Column" if len(feature_names) > _NAMED_UP_TO else "")
        figure.colorbar(mesh, ax=panels, pad=0.01, shrink=0.8).set_label("Rank correlation", fontsize=18)
    return figure
