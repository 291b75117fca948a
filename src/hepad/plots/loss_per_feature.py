"""Loss of each feature, by sample."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hepad.plots.labels import SampleStyle, feature_name, sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


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
        for edge in columns[1:] - 0.5:
            axes.axvline(edge, color="0.85", linewidth=0.8, zorder=0)
        axes.set_xlabel("Feature")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure
