"""Loss against epoch."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.plots.style import house_style, legend_above_data, new_figure

_LOOKS = {"train": ("Training", "#3f90da", "o"), "val": ("Validation", "#e76300", "s")}


def plot_learning_curves(
    history: Mapping[str, ArrayLike],
    *,
    quantity: str = "loss",
    label: str = "Loss",
    note: str | None = None,
) -> Figure:
    """Training and validation loss per epoch, the best validation epoch marked.

    Args:
        history: column → one value per epoch: `train/<quantity>`, `val/<quantity>`, and optionally `epoch`; NaN
            where an epoch has no value.
        quantity: what is plotted.
        label: the vertical axis.
        note: what the data are.

    Raises:
        ValueError: there is no finite value of the quantity.

    >>> from hepad.plots import plot_learning_curves
    >>> figure = plot_learning_curves({"train/loss": [1.0, 0.6, 0.4], "val/loss": [0.9, 0.5, 0.6]}, label="MSE")
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['Training', 'Validation', 'Best: epoch 1, 0.5']
    """
    curves = {}
    for stage in _LOOKS:
        if f"{stage}/{quantity}" in history:
            values = np.asarray(history[f"{stage}/{quantity}"], dtype=np.float64)
            epochs = np.asarray(history.get("epoch", np.arange(values.size)), dtype=np.float64)
            known = np.isfinite(values)
            if known.any():
                curves[stage] = (epochs[known], values[known])
    if not curves:
        raise ValueError(f"the history has no finite train/{quantity} or val/{quantity}")
    everything = np.concatenate([values for _, values in curves.values()])
    with house_style():
        figure, axes = new_figure(note)
        for stage, (epochs, values) in curves.items():
            name, color, marker = _LOOKS[stage]
            axes.plot(epochs, values, color=color, marker=marker if epochs.size <= 40 else None, label=name)
        if "val" in curves:
            epochs, values = curves["val"]
            best = int(values.argmin())
            axes.plot(
                epochs[best],
                values[best],
                "*",
                markersize=20,
                color="#bd1f01",
                markeredgecolor="white",
                label=f"Best: epoch {epochs[best]:.0f}, {values[best]:.4g}",
                zorder=5,
            )
        if everything.min() > 0 and everything.max() > 20 * everything.min():
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Epoch")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure
