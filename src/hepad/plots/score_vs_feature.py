"""The anomaly score against one observable, and its movement under rotations in φ."""

from collections.abc import Mapping, Sequence

import hist
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.metrics.samples import ScoredSample
from hepad.metrics.symmetry import change_by_transformation
from hepad.plots.labels import (
    FloatArray,
    SampleStyle,
    edges,
    feature_edges,
    feature_label,
    is_heavy_tailed,
    sample_label,
    sample_styles,
)
from hepad.plots.style import SEQUENTIAL, house_style, legend_above_data, new_figure

_PROFILE_BINS = 20


def plot_score_vs_feature(sample: ScoredSample, feature: str, *, n_bins: int = 50, note: str | None = None) -> Figure:
    """Entries per bin of score and feature, with the mean score in each bin of the feature and its standard error.

    Scores that spread over decades are shown, and averaged, as logarithms: the mean is then the geometric one.

    Args:
        sample: scored entries.
        feature: one of the sample's features.
        n_bins: bins along either axis, fewer where there are few entries.
        note: what the data are.

    Raises:
        ValueError: the sample has no such feature, or no entry has a finite value of it.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample
    >>> from hepad.plots import plot_score_vs_feature
    >>> rng = np.random.default_rng(0)
    >>> mass = rng.exponential(15, 500)
    >>> figure = plot_score_vs_feature(ScoredSample("zero_bias", rng.normal(mass, 5), {"mass": mass}), "mass")
    >>> figure.axes[0].get_xlabel()
    'Jet mass [GeV]'
    """
    if feature not in sample.features:
        raise ValueError(f"{sample.name} has no feature {feature!r}; it has {', '.join(sample.features)}")
    finite = np.isfinite(sample.features[feature])
    x, y = sample.features[feature][finite], sample.score[finite]
    weight = None if sample.weight is None else sample.weight[finite] / sample.weight.mean()
    if x.size == 0:
        raise ValueError(f"{sample.name}: no entry has a finite value of {feature}")
    n_bins = min(n_bins, max(12, int(np.sqrt(x.size))))
    log_y = is_heavy_tailed(y)
    x_edges, log_x = feature_edges(x, n_bins)
    y_edges = edges(y, n_bins, log_y)
    with house_style():
        figure, axes = new_figure(note)
        if log_y:
            # Scores of exactly zero belong to the lowest bin; they have no logarithm.
            y = np.maximum(y, y_edges[0])
        counts, _, _ = np.histogram2d(x, y, bins=(x_edges, y_edges), weights=weight)
        mesh = axes.pcolormesh(
            x_edges, y_edges, np.ma.masked_equal(counts.T, 0), cmap=SEQUENTIAL, norm=LogNorm(1, max(counts.max(), 10))
        )
        centers, mean, error = profile(x, np.log(y) if log_y else y, _merged(x_edges), log_x, weight)
        low, high = mean - error, mean + error
        if log_y:
            mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
        axes.errorbar(
            centers,
            mean,
            yerr=(mean - low, high - mean),
            fmt="o",
            markersize=7,
            color="#bd1f01",
            markeredgecolor="white",
            elinewidth=2,
            label=f"{sample_label(sample.name)}, {'geometric mean' if log_y else 'mean'} score",
        )
        if log_x:
            axes.set_xscale("log")
        elif x_edges[1] - x_edges[0] >= 1:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if log_y:
            axes.set_yscale("log")
        axes.set_xlim(x_edges[0], x_edges[-1])
        axes.set_ylim(y_edges[0], y_edges[-1])
        axes.set_xlabel(feature_label(feature))
        axes.set_ylabel("Anomaly score")
        legend_above_data(axes)
        bar = figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label("Entries" if weight is None else "Entries, weighted to the mean 1")
    return figure


def _merged(x_edges: FloatArray) -> FloatArray:
    """Every k-th edge, so that about `_PROFILE_BINS` bins remain."""
    step = max(1, round((x_edges.size - 1) / _PROFILE_BINS))
    merged = x_edges[::step]
    return merged if merged[-1] == x_edges[-1] else np.append(merged, x_edges[-1])


def profile(
    x: FloatArray, y: FloatArray, x_edges: FloatArray, log_x: bool, weight: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre, mean of y and its standard error in each bin of x that holds, or is worth, at least five entries.

    The error of a weighted mean is √(variance / n), with n = (Σw)² / Σw² entries that the bin is worth.
    """
    centers = np.sqrt(x_edges[1:] * x_edges[:-1]) if log_x else (x_edges[1:] + x_edges[:-1]) / 2
    if weight is None:
        binned = hist.Hist(hist.axis.Variable(x_edges.tolist()), storage=hist.storage.Mean())
        binned.fill(x, sample=y)
        counts, errors = binned.counts(), binned.variances()
        assert errors is not None
        # For this storage hist gives the variance of the mean, not of the values.
        means = binned.values()
    else:
        bins = np.digitize(x, x_edges) - 1
        inside = (bins >= 0) & (bins < centers.size)
        bins, y, w = bins[inside], y[inside], weight[inside]
        total, squares, weighted = (np.bincount(bins, values, centers.size) for values in (w, w**2, w * y))
        counts = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
        means = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
        spread = np.bincount(bins, w * (y - means[bins]) ** 2, centers.size)
        errors = np.divide(spread, total, out=np.zeros_like(total), where=total > 0) / np.maximum(counts - 1, 1)
    known = counts >= 5
    return centers[known], means[known], np.sqrt(errors[known])


def plot_phi_rotation(
    scores: Mapping[str, ArrayLike],
    *,
    steps: Sequence[int] | None = None,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """The RMS change of the score for each rotation, as a share of the spread of the sample's scores.

    Args:
        scores: sample → (T, N) scores of N images, the first as they are, then rotated by each of `steps`.
        steps: rows in φ; None for 1, 2, … T − 1.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no samples, different numbers of rotations, or none.

    >>> import numpy as np
    >>> from hepad.plots import plot_phi_rotation
    >>> scores = np.random.default_rng(0).random((18, 100))
    >>> figure = plot_phi_rotation({"zero_bias": scores})
    >>> len(figure.axes[0].lines[0].get_xdata())
    17
    """
    tables = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    lengths = {len(table) for table in tables.values()}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(
            f"{sorted(lengths)} orientations of the samples; the same number for all, at least 2, is needed"
        )
    n_rotations = min(lengths) - 1
    looks = styles or sample_styles(tables)
    rows = np.arange(1, n_rotations + 1) if steps is None else np.asarray(steps)
    with house_style():
        figure, axes = new_figure(note)
        for name, table in tables.items():
            changes = change_by_transformation(table, float(table.std()) or 1.0)
            look = looks[name]
            axes.plot(rows, changes, look.linestyle, marker=look.marker, color=look.color, label=look.label)
        axes.set_ylim(0, None)
        axes.set_xlim(0, rows.max() + 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(r"Rotation in $\phi$ [rows, $\Delta i\phi$]")
        axes.set_ylabel("RMS change of the score / its spread")
        legend_above_data(axes, columns=3)
    return figure
