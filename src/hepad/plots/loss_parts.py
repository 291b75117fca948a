"""Loss of each feature, or of each pixel, by sample."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from hepad.core.schema import ImageLabels
from hepad.plots.labels import SampleStyle, feature_name, sample_label, sample_styles
from hepad.plots.style import SEQUENTIAL, house_style, legend_above_data, new_figure


def plot_loss_per_feature(
    losses: Mapping[str, ArrayLike],
    feature_names: Sequence[str],
    *,
    label: str = "Mean loss",
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """The mean loss of each feature in each sample.

    Args:
        losses: sample → (F,) mean loss of each feature.
        feature_names: F names.
        label: the vertical axis, with the unit if it has one.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no samples, or not one loss per feature.

    >>> from hepad.plots import plot_loss_per_feature
    >>> figure = plot_loss_per_feature({"zero_bias": [0.1, 0.2], "radion": [0.9, 0.3]}, ["mass", "area"])
    >>> [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    ['Jet mass', 'Jet area']
    """
    values = {name: np.asarray(loss, dtype=np.float64) for name, loss in losses.items()}
    if not values:
        raise ValueError("no losses to plot")
    for name, loss in values.items():
        if loss.shape != (len(feature_names),):
            raise ValueError(f"{name}: losses of shape {loss.shape} for {len(feature_names)} features")
    looks = styles or sample_styles(values)
    everything = np.concatenate(list(values.values()))
    columns = np.arange(len(feature_names))
    offsets = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(1)
    with house_style():
        figure, axes = new_figure(note, size=(max(8.0, 2.0 + 0.6 * len(columns)), 8.0))
        for offset, (name, loss) in zip(offsets, values.items(), strict=True):
            axes.plot(
                columns + offset,
                loss,
                looks[name].marker,
                markersize=9,
                color=looks[name].color,
                label=looks[name].label,
            )
        if everything.min() > 0:
            axes.set_yscale("log")
        axes.set_xticks(
            columns,
            [feature_name(name) for name in feature_names],
            rotation=60,
            ha="right",
            rotation_mode="anchor",
            fontsize=15,
        )
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.tick_params(axis="x", which="both", length=0)
        axes.xaxis.set_minor_locator(NullLocator())
        for edge in columns[1:] - 0.5:
            axes.axvline(edge, color="0.85", linewidth=0.8, zorder=0)
        axes.set_xlabel("Feature")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure


def plot_loss_per_pixel(
    losses: Mapping[str, ArrayLike],
    *,
    label: str = "Mean loss",
    labels: ImageLabels | None = None,
    note: str | None = None,
    columns: int = 3,
) -> Figure:
    """The mean loss of each pixel, one image per sample on common colours, logarithmic where no pixel is 0.

    Args:
        losses: sample → (H, W) mean loss of each pixel.
        label: what the colours are, with the unit if it has one.
        labels: what the axes of the images are.
        note: what the data are.
        columns: panels per row.

    Raises:
        ValueError: no samples, or images of different shapes.

    >>> import numpy as np
    >>> from hepad.plots import plot_loss_per_pixel
    >>> loss = np.random.default_rng(0).random((18, 14))
    >>> figure = plot_loss_per_pixel({"zero_bias": loss, "radion": 3 * loss}, label="Mean MSE")
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['Zero bias', 'Radion']
    """
    images = {name: np.asarray(loss, dtype=np.float64) for name, loss in losses.items()}
    shapes = {image.shape for image in images.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"losses of shapes {sorted(shapes)}; one image shape (H, W) for all samples is needed")
    low, high = (float(f([f(image) for image in images.values()])) for f in (np.min, np.max))
    norm = LogNorm(low, high) if 0 < low < high else Normalize(low, high if high > low else low + 1)
    n_columns = min(columns, len(images))
    n_rows = -(-len(images) // n_columns)
    names = labels or ImageLabels()
    with house_style():
        figure = Figure(figsize=(max(8.0, 2.5 + 4.0 * n_columns), 1.6 + 4.6 * n_rows), layout="constrained")
        grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
        for axes, (name, image) in zip(grid.flat, images.items(), strict=False):
            mesh = axes.pcolormesh(image, cmap=SEQUENTIAL, norm=norm)
            axes.set_title(sample_label(name), fontsize=17)
            axes.minorticks_off()
            axes.tick_params(which="both", length=0, labelsize=13)
            axes.set_aspect("equal")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in grid.flat[len(images) :]:
            axes.remove()
        for axes in grid.flat[: len(images)]:
            axes.set_xlabel(names.horizontal, fontsize=16)
            axes.set_ylabel(names.vertical, fontsize=16)
        bar = figure.colorbar(mesh, ax=list(grid.flat[: len(images)]), aspect=30, pad=0.01)
        bar.set_label(label, fontsize=16, loc="center")
        bar.ax.tick_params(labelsize=13)
        figure.suptitle(r"$\mathbf{hepad}$" + (f"   {note}" if note else ""), x=0.01, ha="left", fontsize=20)
    return figure
