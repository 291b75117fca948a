"""The most anomalous entries beside the nearest of the background: objects in η and φ, features, or images."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.labels import feature_name
from hepad.plots.reconstructions import asinh_ticks, image_colors
from hepad.plots.style import SEQUENTIAL, house_style

_ENTRY: Final = "#bd1f01"
_BACKGROUND: Final = "0.55"
_LARGEST: Final = 0.75
"""Radius of the hardest object of an entry, in η and φ."""

_SMALLEST: Final = 0.12
_FAR: Final = 20.0
_HOLDS_TEXT: Final = 0.55
_NAMED: Final = 3
_WIDTH: Final = 15.2
"""Inches of a figure of features: a page gives the whole of its width to more than 1200 pixels."""


def plot_events(
    places: ArrayLike,
    sizes: ArrayLike,
    shares: ArrayLike,
    titles: Sequence[str],
    nearest: tuple[ArrayLike, ArrayLike],
    unit: str = "GeV",
) -> Figure:
    """Events in η and φ, each object a circle whose area is its pT; beside each the nearest background event.

    Args:
        places: (N, S, 2) η and φ of the objects.
        sizes: (N, S) their pT, 0 for no object.
        shares: (N, S) of the score that each object contributes.
        titles: one per event.
        nearest: places and sizes of the nearest background events.
        unit: of the sizes.

    Raises:
        ValueError: shapes do not fit together.

    >>> import numpy as np
    >>> from hepad.plots.event_display import plot_events
    >>> places, sizes = np.zeros((1, 2, 2)), np.array([[50.0, 0.0]])
    >>> [axes.get_title() for axes in plot_events(places, sizes, sizes / 50, ["first"], (places, sizes)).axes[:2]]
    ['first', 'Nearest background']
    """
    where, pt, share = (np.asarray(each, dtype=np.float64) for each in (places, sizes, shares))
    other, other_pt = (np.asarray(each, dtype=np.float64) for each in nearest)
    if where.shape != (*pt.shape, 2) or share.shape != pt.shape or other.shape != where.shape:
        raise ValueError(f"places {where.shape}, sizes {pt.shape}, nearest {other.shape}: unequal shapes")
    with house_style():
        both = (where[pt > 0], other[other_pt > 0])
        reach = max(3.0, *(1.15 * float(np.abs(at[:, 0]).max(initial=0.0)) for at in both))
        # As high as axes of one scale for η and φ need.
        height = 5.0 * (np.pi + 0.4) / reach + 0.5
        figure = Figure(figsize=(11.0, 0.9 + height * len(where)), layout="constrained")
        grid = figure.subplots(len(where), 2, squeeze=False, sharex=True, sharey=True)
        for i, (left, right) in enumerate(grid):
            _draw_event(left, where[i], pt[i], [_shade(value) for value in share[i]], float(pt[i].max()), unit, reach)
            _draw_event(right, other[i], other_pt[i], [_BACKGROUND] * len(other_pt[i]), float(pt[i].max()), unit, reach)
            left.set_title(titles[i], fontsize=16)
            right.set_title("Nearest background", fontsize=16)
            left.set_ylabel("φ [rad]")
        for axes in grid.flat:
            axes.set(xlim=(-reach, reach), ylim=(-np.pi - 0.4, np.pi + 0.4), aspect="equal")
        for axes in grid[-1]:
            axes.set_xlabel("η")
        _sign(figure)
    return figure


def _sign(figure: Figure) -> None:
    """Write `hepad` above all panels, whose own titles take the place where it is otherwise."""
    figure.suptitle(r"$\mathbf{hepad}$", x=0.01, ha="left", fontsize=20)


def _shade(share: float) -> tuple[float, float, float]:
    """Colour of an object: grey where it contributes nothing, red where it is all of the score."""
    weight = float(np.clip(share, 0, 1)) ** 0.5
    grey, red = np.array([0.75, 0.75, 0.75]), np.array([0.74, 0.12, 0.0])
    mixed = grey + weight * (red - grey)
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def _radius(size: float, scale: float) -> float:
    return float(np.clip(_LARGEST * (size / max(scale, 1e-9)) ** 0.5, _SMALLEST, 2 * _LARGEST))


def _draw_event(
    axes: Axes,
    places: NDArray[np.float64],
    pt: NDArray[np.float64],
    colors: Sequence[Any],
    scale: float,
    unit: str,
    reach: float,
) -> None:
    for (eta, phi), size, color in zip(places, pt, colors, strict=True):
        if size <= 0:
            continue
        radius = _radius(size, scale)
        # Beyond the seam in φ once more.
        for turn in (-2 * np.pi, 0.0, 2 * np.pi):
            axes.add_patch(Circle((eta, phi + turn), radius, facecolor=color, alpha=0.7, edgecolor="0.2"))
    for (eta, phi), size in list(zip(places, pt, strict=True))[:_NAMED]:
        if size > 0:
            # Beside a circle that is too small to be written on, on the side towards the middle.
            apart, side = (
                (_radius(size, scale) + 0.08, "left") if eta < reach / 2 else (-_radius(size, scale) - 0.08, "right")
            )
            at, side = (eta + apart, side) if _radius(size, scale) < _HOLDS_TEXT else (eta, "center")
            axes.text(at, phi, f"{size:.0f} {unit}", ha=side, va="center", fontsize=12, clip_on=True, in_layout=False)
    axes.axhline(np.pi, color="0.7", linewidth=1, linestyle="--", zorder=0)
    axes.axhline(-np.pi, color="0.7", linewidth=1, linestyle="--", zorder=0)


def plot_top_features(
    contributions: ArrayLike,
    values: ArrayLike,
    nearest: ArrayLike,
    raw: ArrayLike,
    titles: Sequence[str],
    names: Sequence[str],
) -> Figure:
    """Contributions of features to the score, and the features themselves beside the nearest background entry's.

    Args:
        contributions: (N, F) to the score.
        values: (N, F) normalised features, in spreads from the background's mean.
        nearest: (N, F) those of the nearest background entries.
        raw: (N, F) features as they are.
        titles: one per entry.
        names: of the features.

    Raises:
        ValueError: shapes do not fit together.

    >>> import numpy as np
    >>> from hepad.plots.event_display import plot_top_features
    >>> x = np.array([[1.0, 5.0]])
    >>> figure = plot_top_features(x, x, 0 * x, x, ["first"], ["tau21", "width"])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['tau21', 'width']
    """
    parts, z, other, x = (np.asarray(each, dtype=np.float64) for each in (contributions, values, nearest, raw))
    if not parts.shape == z.shape == other.shape == x.shape == (len(titles), len(names)):
        raise ValueError(f"contributions {parts.shape}, values {z.shape}, nearest {other.shape}: unequal")
    rows = np.arange(len(names))
    with house_style():
        height = max(3.4, 0.33 * len(names) + 1.0)
        figure = Figure(figsize=(_WIDTH, 0.8 + height * len(titles)), layout="constrained")
        grid = figure.subplots(len(titles), 2, squeeze=False, sharey=True)
        for i, (left, right) in enumerate(grid):
            left.barh(rows, parts[i], color=[_ENTRY if part > 0 else _BACKGROUND for part in parts[i]], height=0.7)
            left.set_title(titles[i], fontsize=16)
            left.axvline(0, color="0.3", linewidth=1)
            if max(np.abs(z[i]).max(), np.abs(other[i]).max()) > _FAR:
                right.set_xscale("symlog", linthresh=1.0)
            right.margins(x=0.08)
            right.hlines(rows, np.minimum(z[i], other[i]), np.maximum(z[i], other[i]), color="0.8", linewidth=2)
            right.plot(other[i], rows, "D", color=_BACKGROUND, markersize=7, label="Nearest background")
            right.plot(z[i], rows, "o", color=_ENTRY, markersize=8, label="Entry")
            right.axvline(0, color="0.6", linewidth=1, zorder=0)
            right.set_title("Raw values at the right", fontsize=14, loc="right")
            for row, value in zip(rows, x[i], strict=True):
                place = right.get_yaxis_transform()
                right.text(
                    1.01, row, f"{value:.4g}".replace("-", "−"), transform=place, va="center", fontsize=12, color=_ENTRY
                )
            left.set_yticks(rows, [feature_name(name) for name in names], fontsize=13)
            left.tick_params(axis="y", which="both", length=0)
            right.tick_params(axis="y", which="both", length=0)
            left.minorticks_off()
            right.minorticks_off()
        # The first feature above; all share the axis.
        grid[0][0].set_ylim(len(names) - 0.4, -0.6)
        grid[-1][0].set_xlabel("Contribution to the score")
        grid[-1][1].set_xlabel("(Value − mean) / spread")
        figure.legend(*grid[0][1].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=14)
        _sign(figure)
    return figure


def plot_top_images(
    x: ArrayLike,
    x_hat: ArrayLike | None,
    contributions: ArrayLike,
    nearest: ArrayLike,
    titles: Sequence[str],
    labels: ImageLabels | None = None,
) -> Figure:
    """Images, their reconstructions and residuals, or contributions where there is none, and the nearest background.

    Args:
        x: (N, H, W) images.
        x_hat: (N, H, W) reconstructions; None for a model that makes none.
        contributions: (N, H, W) of pixels to the score, shown without reconstructions.
        nearest: (N, H, W) nearest background images.
        titles: one per image.
        labels: of the colours and of the axes.

    >>> import numpy as np
    >>> from hepad.plots.event_display import plot_top_images
    >>> x = np.random.default_rng(0).random((2, 18, 14))
    >>> [axes.get_title() for axes in plot_top_images(x, 0.9 * x, x, x, ["first", "second"]).axes[:4]]
    ['Input', 'Reconstruction', 'Input − reconstruction', 'Nearest background']
    """
    images, other = np.asarray(x, dtype=np.float64), np.asarray(nearest, dtype=np.float64)
    remade = None if x_hat is None else np.asarray(x_hat, dtype=np.float64)
    change = np.asarray(contributions, dtype=np.float64) if remade is None else images - remade
    told = labels or ImageLabels()
    columns = ["Input", "Contribution", "Nearest background"]
    if remade is not None:
        columns = ["Input", "Reconstruction", "Input − reconstruction", "Nearest background"]
    with house_style():
        figure = Figure(figsize=(4.3 * len(columns) + 1, 1.0 + 4.4 * len(images)), layout="constrained")
        grid = figure.subplots(len(images), len(columns), squeeze=False, sharex=True, sharey=True)
        for i, row in enumerate(grid):
            shown = [images[i], *([] if remade is None else [remade[i]]), other[i]]
            colors = image_colors(np.stack(shown[:-1]))
            largest = float(np.abs(change[i]).max()) or 1.0
            for axes, image in zip([*row[:-2], row[-1]], shown, strict=True):
                mesh = axes.pcolormesh(image, cmap=SEQUENTIAL, norm=colors)
            residual = row[-2].pcolormesh(change[i], cmap="RdBu_r", norm=Normalize(-largest, largest))
            for axes, title in zip(row, columns, strict=True):
                axes.set(aspect="equal")
                axes.minorticks_off()
                axes.tick_params(which="both", length=0, labelsize=12)
                if not i:
                    axes.set_title(title, fontsize=16)
            row[0].set_ylabel(f"{titles[i]}\n{told.vertical}", fontsize=14, loc="center")
            figure.colorbar(residual, ax=row[-2], pad=0.01, aspect=18).ax.tick_params(labelsize=12)
            bar = figure.colorbar(mesh, ax=row[-1], pad=0.01, aspect=18)
            bar.set_label(told.value, fontsize=13, loc="center")
            if isinstance(colors, AsinhNorm):
                bar.set_ticks(asinh_ticks(colors))
                bar.minorticks_off()
            bar.ax.tick_params(labelsize=12)
        for axes in grid[-1]:
            axes.set_xlabel(told.horizontal, fontsize=14)
        _sign(figure)
    return figure
