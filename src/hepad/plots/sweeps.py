"""Sweeps: jobs as parallel coordinates, and the course of a search with the best so far."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from hepad.plots.style import house_style, legend_above_data, new_figure

_BEST = "#bd1f01"
_LOG_RATIO = 30.0
_MARGIN = 0.04
_LONGEST_LABEL = 14


def plot_parallel_coordinates(
    settings: Mapping[str, Sequence[str]], results: Mapping[str, Sequence[float]], *, minimize: bool = True
) -> Figure:
    """One line per run through its settings and results, coloured by the first result.

    Settings that are numbers have a linear axis, or a logarithmic one where they span more than a factor 30; others
    have one tick per value. Every axis fills the height.

    Args:
        settings: name → one value per run, as text; at least one.
        results: name → one finite number per run; at least one.
        minimize: the best run, drawn thick, has the lowest first result; else the highest.

    Raises:
        ValueError: nothing to draw, or columns of different lengths.

    >>> from hepad.plots import plot_parallel_coordinates
    >>> settings = {"loss": ["mse", "huber", "mse"], "lr": ["1e-3", "1e-3", "1e-4"]}
    >>> figure = plot_parallel_coordinates(settings, {"val/loss": [0.31, 0.28, 0.40]})
    >>> len(figure.axes[0].patches)
    3
    """
    columns: dict[str, Sequence[str] | Sequence[float]] = {**settings, **results}
    sizes = {len(column) for column in columns.values()}
    if not settings or not results or len(sizes) != 1 or sizes == {0}:
        raise ValueError("at least one setting and one result of equally many runs are needed")
    first = np.asarray(next(iter(results.values())), dtype=np.float64)
    order = np.argsort(first, kind="stable")[:: 1 if minimize else -1]
    # Equal settings of many runs would hide each other; each run keeps its own place across all such axes.
    nudge = np.empty(len(first))
    nudge[order] = np.linspace(0.5, -0.5, len(first)) if len(first) > 1 else 0.0
    with house_style():
        figure, axes = new_figure(size=(max(10.0, 1.9 * len(columns) + 2.0), 7.0))
        heights = np.column_stack(
            [_axis(axes, i, name, column, nudge) for i, (name, column) in enumerate(columns.items())]
        )
        scale = Normalize(float(first.min()), float(first.max()) if np.ptp(first) else float(first.min()) + 1)
        colors = matplotlib.colormaps["viridis" if minimize else "viridis_r"](0.95 * scale(first))
        for rank, run in reversed(list(enumerate(order))):
            best = rank == 0
            axes.add_patch(
                PathPatch(
                    _curve(heights[run]),
                    fill=False,
                    edgecolor=_BEST if best else colors[run],
                    linewidth=4.0 if best else 1.8,
                    alpha=1.0 if best else 0.8,
                    zorder=4 if best else 3,
                    capstyle="round",
                )
            )
        axes.set_xlim(-0.35, len(columns) - 0.65 + 0.35)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks(range(len(columns)), [_wrapped(name) for name in columns])
        axes.tick_params(axis="x", which="both", length=0, labelsize=16)
        axes.tick_params(axis="y", which="both", left=False, right=False, labelleft=False)
        axes.tick_params(axis="x", which="both", top=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def _axis(
    axes: Axes, x: int, name: str, column: Sequence[str] | Sequence[float], nudge: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw one vertical axis with its ticks; return the height of every run on it, 0 to 1."""
    axes.axvline(x, color="#444444", linewidth=1.2, zorder=2)
    numbers = _numbers(column)
    if numbers is None:
        values = sorted(set(map(str, column)))
        places = {value: (i + 0.5) / len(values) for i, value in enumerate(values)}
        _ticks(axes, x, [(place, _short(value)) for value, place in places.items()])
        return np.array([places[str(value)] for value in column]) + nudge * 0.5 / len(values)
    low, high = float(numbers.min()), float(numbers.max())
    is_log = low > 0 and high > _LOG_RATIO * low
    if low == high:
        _ticks(axes, x, [(0.5, f"{low:.4g}")])
        return np.full(len(numbers), 0.5)
    shown = np.log10(numbers) if is_log else numbers
    start, size = float(shown.min()), float(np.ptp(shown))

    def height(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(_MARGIN + (1 - 2 * _MARGIN) * (values - start) / size)

    few = np.unique(numbers)
    ticks = (
        few
        if len(few) <= 5
        else (LogLocator(subs=(1.0, 2.0, 5.0)) if is_log else MaxNLocator(5)).tick_values(low, high)
    )
    kept = np.array([tick for tick in ticks if low <= tick <= high or np.isclose(tick, [low, high]).any()])
    if kept.size < 2:
        kept = np.array([low, high])
    heights = height(np.log10(kept) if is_log else kept)
    _ticks(axes, x, [(float(place), f"{tick:.4g}") for place, tick in zip(heights, kept, strict=True)])
    steps = nudge * 0.06 if len(few) <= 5 and len(few) < len(numbers) else 0.0
    return np.asarray(np.clip(height(shown) + steps, 0, 1))


def _ticks(axes: Axes, x: int, ticks: Sequence[tuple[float, str]]) -> None:
    for place, label in ticks:
        axes.plot([x - 0.03, x + 0.03], [place, place], color="#444444", linewidth=1.2, zorder=2)
        axes.text(
            x + 0.05,
            place,
            label,
            fontsize=15,
            va="center",
            zorder=6,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
        )


def _numbers(column: Sequence[str] | Sequence[float]) -> NDArray[np.float64] | None:
    try:
        numbers = np.array([float(value) for value in column])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _curve(heights: NDArray[np.float64]) -> Path:
    """A smooth line through the heights that is level at every axis, so that it can be followed across it."""
    points, codes = [(0.0, float(heights[0]))], [Path.MOVETO]
    for x, (before, after) in enumerate(itertools.pairwise(heights)):
        points += [(x + 0.5, float(before)), (x + 0.5, float(after)), (x + 1.0, float(after))]
        codes += [Path.CURVE4] * 3
    return Path(points, codes)


def _wrapped(name: str) -> str:
    return name.replace(".", ".\n", 1) if len(name) > _LONGEST_LABEL else name.replace(" ", "\n", 1)


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_LABEL else value[: _LONGEST_LABEL - 1] + "…"


_LOG_RATIO_OF_TRIALS = 20.0


def plot_search_history(
    values: ArrayLike, stopped: Sequence[bool], *, label: str, minimize: bool = True, note: str | None = None
) -> Figure:
    """Value against trial number, trials that were stopped early hollow, the best of the others as a line.

    Args:
        values: one per trial, in order; NaN for a trial that failed.
        stopped: which trials were stopped early; they do not count as the best.
        label: of the vertical axis.
        minimize: whether the best is the lowest value.
        note: what the data are.

    Raises:
        ValueError: no finite value, or another number of flags.

    >>> from hepad.plots import plot_search_history
    >>> figure = plot_search_history([0.5, 0.4, 0.6, 0.3], [False, False, True, False], label="val/loss")
    >>> [float(best) for best in figure.axes[0].lines[-1].get_ydata()]
    [0.5, 0.4, 0.4, 0.3]
    """
    known = np.asarray(values, dtype=np.float64)
    hollow = np.asarray(stopped, dtype=bool)
    if known.shape != hollow.shape or not np.isfinite(known).any():
        raise ValueError("at least one finite value, and one flag per value, are needed")
    numbers = np.arange(known.size)
    counted = np.where(hollow | ~np.isfinite(known), np.inf if minimize else -np.inf, known)
    best = (np.minimum if minimize else np.maximum).accumulate(counted)
    with house_style():
        figure, axes = new_figure(note)
        axes.plot(numbers[~hollow], known[~hollow], "o", color="#3f90da", markersize=9, label="Trial")
        if hollow.any():
            axes.plot(
                numbers[hollow],
                known[hollow],
                "o",
                markerfacecolor="white",
                markeredgecolor="#3f90da",
                markersize=9,
                label="Stopped early",
            )
        axes.step(
            numbers, np.where(np.isfinite(best), best, np.nan), where="post", color="#bd1f01", label="Best so far"
        )
        finite = known[np.isfinite(known)]
        if finite.min() > 0 and finite.max() > _LOG_RATIO_OF_TRIALS * finite.min():
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Trial")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure
