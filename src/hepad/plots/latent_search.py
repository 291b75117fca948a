"""Course of a latent search: losses step by step, AUC against steps and restarts, what is made on the way."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import ArrayLike, NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.labels import SampleStyle, feature_name, sample_styles
from hepad.plots.reconstructions import image_colors
from hepad.plots.style import SEQUENTIAL, house_style, legend_above_data, new_figure, sign

FloatArray = NDArray[np.float64]

_BAND = (16, 84)
# Spreads from the mean beyond which an axis becomes logarithmic.
_FAR = 10.0


def plot_search_losses(
    traces: Mapping[str, ArrayLike], *, styles: Mapping[str, SampleStyle] | None = None, note: str | None = None
) -> Figure:
    """Median and central 68% of the entries' losses (mean over restarts) after each step, per sample.

    Args:
        traces: sample → (N, n_seed, k + 1) losses.
        styles: sample → look.
        note: what the data are.
    """
    looks = styles or sample_styles(traces)
    with house_style():
        figure, axes = new_figure(note)
        for sample, values in traces.items():
            means = np.nanmean(np.asarray(values, dtype=np.float64), axis=1)
            steps = np.arange(means.shape[1])
            low, middle, high = np.nanpercentile(means, [_BAND[0], 50, _BAND[1]], axis=0)
            look = looks[sample]
            axes.fill_between(steps, low, high, color=look.color, alpha=0.15, linewidth=0)
            axes.plot(steps, middle, look.linestyle, color=look.color, label=look.label)
        axes.set_yscale("log")
        axes.set_xlim(0, max(int(steps[-1]), 1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Step")
        axes.set_ylabel("Loss, median and central 68% of entries")
        legend_above_data(axes, columns=3)
    return figure


def plot_search_areas(
    by_step: Mapping[str, ArrayLike],
    by_restarts: Mapping[str, Mapping[str, ArrayLike]],
    reference: str,
    *,
    reduction: str,
    starts: str,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """AUC of each signal against the number of steps and against the number of restarts.

    Args:
        by_step: signal → (k + 1,) AUC after each step.
        by_restarts: `mean` and `min` → signal → (n_seed,) AUC with the first 1, 2, … restarts.
        reference: name of the background, for the label.
        reduction: which of the two the areas by step are of.
        starts: where restarts start from, in a few words.
        styles: signal → look.
        note: what the data are.
    """
    looks = styles or sample_styles([*by_step, reference])
    with house_style():
        figure = Figure(figsize=(15.0, 7.0), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for signal, areas in by_step.items():
            look = looks[signal]
            left.plot(np.arange(len(np.asarray(areas))), areas, look.linestyle, color=look.color, label=look.label)
        for (name, areas_of), marker, line in zip(by_restarts.items(), ("o", "s"), ("-", "--"), strict=False):
            for signal, areas in areas_of.items():
                restarts = np.arange(1, len(np.asarray(areas)) + 1)
                right.plot(restarts, areas, line, marker=marker, color=looks[signal].color)
            right.plot([], [], line, marker=marker, color="0.3", label=f"{name} over restarts")
        left.set_xlabel(f"Steps, {reduction} over all restarts")
        right.set_xlabel(f"Restarts, all steps\n({starts})")
        left.set_ylabel(f"AUC against {looks[reference].label}")
        for axes in (left, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        sign(left, note)
        figure.legend(*_all_handles(left, right), loc="outside right upper")
    return figure


def plot_search_images(
    inputs: ArrayLike, made: ArrayLike, steps: Sequence[int], titles: Sequence[str], labels: ImageLabels | None = None
) -> Figure:
    """One row per image: the entry, and what the generator made of the code on the way to it.

    Args:
        inputs: (M, H, W) entries.
        made: (M, T, H, W) what was made after `steps`.
        steps: T numbers of updates.
        titles: one per entry.
        labels: of colours and axes.
    """
    entries, path = np.asarray(inputs, dtype=np.float64), np.asarray(made, dtype=np.float64)
    names = labels or ImageLabels()
    with house_style():
        figure = Figure(figsize=(3.4 * (len(steps) + 1) + 1.5, 1.0 + 3.7 * len(entries)), layout="constrained")
        grid = figure.subplots(len(entries), len(steps) + 1, squeeze=False, sharex=True, sharey=True)
        for row, entry, way, title in zip(grid, entries, path, titles, strict=True):
            colors = image_colors(np.concatenate([entry[None], way[-1:]]))
            for axes, image in zip(row, [entry, *way], strict=True):
                mesh = axes.pcolormesh(np.clip(image, colors.vmin, colors.vmax), cmap=SEQUENTIAL, norm=colors)
                axes.set_aspect("equal")
                axes.tick_params(which="both", length=0, labelsize=12)
                axes.minorticks_off()
            row[0].set_ylabel(f"{title}\n{names.vertical}", fontsize=15, loc="center")
            bar = figure.colorbar(mesh, ax=row, pad=0.01, aspect=18)
            bar.set_label(names.value, fontsize=14, loc="center")
            bar.ax.tick_params(labelsize=12)
        _headings(grid[0], steps)
        for axes in grid[-1]:
            axes.set_xlabel(names.horizontal, fontsize=15)
        figure.suptitle(r"$\mathbf{hepad}$", x=0.01, ha="left", fontsize=20)
    return figure


def plot_search_features(
    inputs: ArrayLike,
    made: ArrayLike,
    steps: Sequence[int],
    titles: Sequence[str],
    feature_names: Sequence[str],
    mean: ArrayLike,
    spread: ArrayLike,
) -> Figure:
    """One panel per entry: its features, and those of what was made on the way, in spreads of the background.

    Args:
        inputs: (M, F) entries.
        made: (M, T, F) what was made after `steps`.
        steps: T numbers of updates.
        titles: one per entry.
        feature_names: F names.
        mean, spread: (F,) of the background.
    """
    center, unit = np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    entries = (np.asarray(inputs, dtype=np.float64) - center) / unit
    path = (np.asarray(made, dtype=np.float64) - center) / unit
    positions = np.arange(len(feature_names))
    with house_style():
        figure = Figure(figsize=(13.0, 1.5 + 3.4 * len(entries)), layout="constrained")
        rows = figure.subplots(len(entries), 1, squeeze=False, sharex=True)[:, 0]
        for axes, entry, way, title in zip(rows, entries, path, titles, strict=True):
            axes.bar(positions, entry, color="0.8", width=0.8, label="Entry")
            for number, (step, values) in enumerate(zip(steps, way, strict=True)):
                shade = (number + 1) / len(steps)
                axes.plot(positions, values, "o", color=(0.75, 0.1, 0.1, shade), markersize=7, label=f"Step {step}")
            axes.axhline(0, color="0.3", linewidth=1)
            if max(np.abs(entry).max(), np.abs(way).max()) > _FAR:
                axes.set_yscale("symlog", linthresh=_FAR)
                axes.yaxis.set_major_formatter(ScalarFormatter())
            axes.set_ylabel("Spreads from the mean", fontsize=14, loc="center")
            axes.set_title(title, fontsize=15, loc="right")
            axes.minorticks_off()
        rows[0].legend(fontsize=13, ncols=len(steps) + 1, loc="upper left", bbox_to_anchor=(0, 1.32), frameon=False)
        rows[-1].set_xticks(
            positions, [feature_name(name) for name in feature_names], rotation=60, ha="right", fontsize=13
        )
        figure.suptitle(r"$\mathbf{hepad}$", x=0.01, ha="left", fontsize=20)
    return figure


def _all_handles(*panels: Axes) -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = []
    labels: list[str] = []
    for axes in panels:
        found = axes.get_legend_handles_labels()
        handles += found[0]
        labels += found[1]
    return handles, labels


def _headings(row: Sequence[Axes], steps: Sequence[int]) -> None:
    for axes, text in zip(row, ("Entry", *(f"Step {step}" for step in steps)), strict=True):
        axes.set_title(text, fontsize=17)
