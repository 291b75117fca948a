"""Loss of each pixel of an image."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.core.schema import ImageLabels
from hepad.plots.labels import sample_label
from hepad.plots.style import house_style


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
            mesh = axes.pcolormesh(image, cmap="viridis", norm=norm)
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
