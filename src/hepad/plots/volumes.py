"""Pictures of volumes, such as showers in a calorimeter: projections along each of their axes."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike

from hepad.core.schema import ImageLabels
from hepad.plots.labels import FloatArray, sample_label
from hepad.plots.reconstructions import asinh_ticks, image_colors, picked_entries
from hepad.plots.style import SEQUENTIAL, house_style

_LAYER: Final = "Layer"
_PANEL: Final = 1.9


def projections(volume: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the sums of a volume `(Z, Y, X)` along Z `(Y, X)`, along Y `(Z, X)` and along X, as `(Y, Z)`.

    >>> import numpy as np
    >>> [view.shape for view in projections(np.zeros((45, 16, 9)))]
    [(16, 9), (45, 9), (16, 45)]
    """
    cells = np.asarray(volume, dtype=np.float64)
    return cells.sum(axis=0), cells.sum(axis=1), cells.sum(axis=2).T


def plot_volumes(x: ArrayLike, x_hat: ArrayLike, scores: ArrayLike, *, labels: ImageLabels | None = None) -> Figure:
    """The volumes of lowest, median and highest score, what the model made of them, and the difference.

    Args:
        x: (N, Z, Y, X) inputs in raw units.
        x_hat: reconstructions of the same shape.
        scores: (N,) anomaly scores.
        labels: what a cell holds, and the axes of a layer.

    Raises:
        ValueError: shapes that do not fit together.

    >>> import numpy as np
    >>> volumes = np.random.default_rng(0).random((20, 10, 8, 6))
    >>> figure = plot_volumes(volumes, 0.9 * volumes, volumes.sum(axis=(1, 2, 3)))
    >>> [part.axes[0].get_ylabel().splitlines()[0] for part in figure.subfigs]
    ['Input', 'Input', 'Input']
    """
    inputs, outputs = np.asarray(x, dtype=np.float64), np.asarray(x_hat, dtype=np.float64)
    ranked = np.asarray(scores, dtype=np.float64)
    if inputs.ndim != 4 or inputs.shape != outputs.shape or ranked.shape != inputs.shape[:1] or not inputs.size:
        raise ValueError(f"inputs {inputs.shape}, reconstructions {outputs.shape}, scores {ranked.shape}: no volumes")
    picks, titles = picked_entries(ranked)
    rows = [
        {"Input": inputs[i], "Reconstruction": outputs[i], "Reconstruction\n− input": outputs[i] - inputs[i]}
        for i in picks
    ]
    return _columns(rows, titles, labels, differences=frozenset({"Reconstruction\n− input"}))


def plot_top_volumes(
    x: ArrayLike,
    x_hat: ArrayLike | None,
    contributions: ArrayLike,
    nearest: ArrayLike,
    titles: Sequence[str],
    labels: ImageLabels | None = None,
) -> Figure:
    """Volumes, their reconstructions and residuals, or contributions where there is none, and the nearest background.

    Args:
        x: (N, Z, Y, X) volumes.
        x_hat: their reconstructions; None for a model that makes none.
        contributions: of cells to the score, shown without reconstructions.
        nearest: the nearest background volumes.
        titles: one per volume.
        labels: what a cell holds, and the axes of a layer.
    """
    inputs, other = np.asarray(x, dtype=np.float64), np.asarray(nearest, dtype=np.float64)
    change = "Contribution" if x_hat is None else "Input −\nreconstruction"
    rows = []
    for i, volume in enumerate(inputs):
        row = {"Input": volume}
        if x_hat is None:
            row[change] = np.asarray(contributions, dtype=np.float64)[i]
        else:
            remade = np.asarray(x_hat, dtype=np.float64)[i]
            row |= {"Reconstruction": remade, change: volume - remade}
        rows.append({**row, "Nearest\nbackground": other[i]})
    return _columns(rows, titles, labels, differences=frozenset({change}))


def plot_mean_volumes(
    volumes: Mapping[str, ArrayLike], *, label: str = "Mean loss", labels: ImageLabels | None = None
) -> Figure:
    """Volumes of the same kind on common colours, such as what each cell contributes to the loss of each sample.

    Args:
        volumes: name → (Z, Y, X).
        label: what the colours are.
        labels: the axes of a layer.
    """
    rows = {sample_label(name): np.asarray(volume, dtype=np.float64) for name, volume in volumes.items()}
    told = labels or ImageLabels()
    return _columns([rows], [""], ImageLabels(label, told.horizontal, told.vertical))


def _columns(
    columns: Sequence[Mapping[str, FloatArray]],
    titles: Sequence[str],
    labels: ImageLabels | None,
    differences: frozenset[str] = frozenset(),
) -> Figure:
    """Draw a part for each column: three projections of each of its volumes, differences on colours of their own."""
    told = labels or ImageLabels()
    n_rows = max(len(column) for column in columns)
    with house_style():
        size = (max(9.0, (3 * _PANEL + 1.6) * len(columns)), 1.6 + (_PANEL + 0.25) * n_rows)
        figure = Figure(figsize=size, layout="constrained")
        parts = figure.subfigures(1, len(columns), squeeze=False, wspace=0.03)
        for part, rows, title in zip(parts[0], columns, titles, strict=True):
            _draw(part, rows, title, told, differences)
        figure.suptitle(r"$\mathbf{hepad}$", x=0.01, ha="left", fontsize=20)
    return figure


def _draw(
    part: SubFigure, rows: Mapping[str, FloatArray], title: str, labels: ImageLabels, differences: frozenset[str]
) -> None:
    first = next(iter(rows.values())).shape
    # As wide as their cells are many, within reason: 45 layers beside 9 radii would leave nothing of the latter.
    shares = [float(np.clip(n / max(first), 0.4, 1.0)) for n in (first[2], first[2], first[0])]
    grid = part.subplots(len(rows), 3, squeeze=False, width_ratios=shares)
    seen = [view for name, volume in rows.items() if name not in differences for view in projections(volume)]
    colors = image_colors(np.concatenate([view.ravel() for view in seen]))
    for line, (name, volume) in zip(grid, rows.items(), strict=True):
        views = projections(volume)
        largest = max(float(np.abs(view).max()) for view in views) or 1.0
        norm = Normalize(-largest, largest) if name in differences else colors
        for axes, view in zip(line, views, strict=True):
            axes.pcolormesh(view, cmap="RdBu_r" if name in differences else SEQUENTIAL, norm=norm)
            _bare(axes)
        line[0].set_ylabel(f"{name}\n{labels.vertical}", fontsize=12, loc="center")
        line[1].set_ylabel(_LAYER, fontsize=12, loc="center")
        bar = part.colorbar(ScalarMappable(norm, "RdBu_r" if name in differences else SEQUENTIAL), ax=line, pad=0.01)
        bar.ax.tick_params(labelsize=10)
        bar.set_label(labels.value, fontsize=11, loc="center")
        if isinstance(norm, AsinhNorm):
            bar.set_ticks(asinh_ticks(norm))
            bar.minorticks_off()
    for axes, along in zip(grid[0], ("layers", "y", "x"), strict=True):
        axes.set_title(f"Sum over {along}", fontsize=12)
    for axes, words in zip(grid[-1], (labels.horizontal, labels.horizontal, _LAYER), strict=True):
        axes.set_xlabel(words, fontsize=12, loc="center")
    if title:
        part.suptitle(title, fontsize=14)


def _bare(axes: Axes) -> None:
    axes.minorticks_off()
    axes.tick_params(which="both", length=0, labelsize=10)
