"""Figures of a generator card beside distributions: correlations, classifiers, distances, neighbours, profiles."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from hepad.generators.card_metrics import with_error
from hepad.generators.classifier_test import ClassifierTest
from hepad.generators.correlations import CorrelationDifference
from hepad.generators.frechet import Extrapolated
from hepad.generators.neighbours import Memorisation
from hepad.generators.profiles import ProfileTest, Response
from hepad.metrics.roc import roc_curve
from hepad.plots.generator_distributions import FLOOR, GENERATED, REAL
from hepad.plots.labels import feature_name
from hepad.plots.style import house_style, legend_above_data, new_figure, sign

_CLASSIFIERS: Final = {"trees": "Boosted trees", "mlp": "Network"}
_LINES: Final = {"trees": "-", "mlp": "--"}
_TITLES: Final = {"generated": "Generated", "floor": "Other real"}
_COLOURS: Final = {"generated": GENERATED, "floor": FLOOR, "reference": "0.35"}
_MARKERS: Final = {"reference": "s", "floor": "^", "generated": "o"}
_AXES: Final = {
    "layer": ("Layer", "Mean energy in the layer [GeV]"),
    "radius": ("Distance from the axis [cells]", "Mean energy in the ring [GeV]"),
    "row": ("Row", "Mean sum of the row"),
    "column": ("Column", "Mean sum of the column"),
}


def plot_correlation_difference(
    found: CorrelationDifference, names: Sequence[str], *, note: str | None = None
) -> Figure:
    """Rank correlations of generated entries minus those of real ones, for each pair of features."""
    with house_style():
        size = float(np.clip(0.42 * len(names) + 3.5, 6.0, 14.0))
        figure, axes = new_figure(note, (size + 1.5, size))
        reach = max(found.largest, 0.05)
        mesh = axes.imshow(found.difference, cmap="RdBu_r", vmin=-reach, vmax=reach)
        labels = [feature_name(name) for name in names]
        font = 14 if len(names) <= 25 else 9
        axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=font)
        axes.set_yticks(range(len(names)), labels, fontsize=font)
        axes.minorticks_off()
        axes.tick_params(length=0)
        figure.colorbar(mesh, ax=axes, pad=0.02, shrink=0.85).set_label(
            r"$\rho$ generated $-$ $\rho$ real", fontsize=17
        )
    return figure


def plot_classifiers(tests: Mapping[str, Mapping[str, ClassifierTest]], *, note: str | None = None) -> Figure:
    """ROC of each classifier, for generated entries and for the floor, and the calibrated probability of being real."""
    with house_style():
        figure = Figure(figsize=(16.0, 7.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color="0.7", linewidth=1.5)
        for kind, sides in tests.items():
            for side, test in sides.items():
                curve = roc_curve(test.generated, test.real, test.generated_weight, test.real_weight)
                label = f"{_CLASSIFIERS[kind]}, {_TITLES[side].lower()}: {test.auc:.3f} ± {test.auc_error:.3f}"
                width = 2.4 if side == "generated" else 1.6
                left.plot(curve.fpr, curve.tpr, _LINES[kind], color=_COLOURS[side], linewidth=width, label=label)
        left.set_xlim(0, 1)
        left.set_ylim(0, 1)
        left.set_aspect("equal")
        left.set_xlabel("Other entries taken for real")
        left.set_ylabel("Real entries taken for real")
        left.legend(loc="lower right", fontsize=14, title="AUC", title_fontsize=14)
        edges = np.linspace(0, 1, 41)
        kind = next(iter(tests))
        test = tests[kind]["generated"]
        for values, weight, fill in (
            (test.real, test.real_weight, True),
            (test.generated, test.generated_weight, False),
        ):
            heights, _ = np.histogram(values, edges, weights=weight / weight.sum())
            colour, label = (REAL, "Real") if fill else (GENERATED, "Generated")
            right.stairs(heights, edges, fill=fill, color=colour, linewidth=2.4, label=label)
        right.set_xlim(0, 1)
        right.set_xlabel(f"Probability of being real ({_CLASSIFIERS[kind].lower()}, calibrated)")
        right.set_ylabel("Share of entries")
        sign(left, note)
        legend_above_data(right)
    return figure


def plot_frechet(distances: Mapping[str, Extrapolated], *, note: str | None = None) -> Figure:
    """Fréchet distance of subsets against 1/N, with the line that is extrapolated, and its value at 1/N = 0."""
    with house_style():
        figure, axes = new_figure(note)
        reach = 0.0
        for side, found in distances.items():
            inverse = 1 / found.sizes
            slope = np.polyfit(inverse, found.distances, 1, w=found.sizes)[0]
            line = np.array([0.0, inverse.max()])
            label = f"{_TITLES[side]}: {with_error(1e3 * found.value, 1e3 * found.error)}"
            axes.plot(1e3 * line, 1e3 * (found.value + slope * line), "-", color=_COLOURS[side], linewidth=1.8)
            axes.plot(1e3 * inverse, 1e3 * found.distances, _MARKERS[side], color=_COLOURS[side], markersize=7)
            axes.errorbar(
                [0.0],
                [1e3 * found.value],
                [1e3 * found.error],
                fmt=_MARKERS[side],
                color=_COLOURS[side],
                markerfacecolor="white",
                markersize=9,
                capsize=5,
                label=label,
            )
            reach = max(reach, float(inverse.max()))
        axes.axhline(0, color="0.7", linewidth=1)
        axes.set_xlim(-0.03e3 * reach, 1.03e3 * reach)
        axes.set_xlabel(r"$1000\,/\,N$")
        axes.set_ylabel(r"Fréchet distance $\times 10^3$")
        axes.margins(y=0.1)
        legend_above_data(axes, columns=1)
    return figure


def plot_memorisation(found: Memorisation, *, note: str | None = None) -> Figure:
    """Distance to the nearest training entry, of generated entries and of held-out real ones."""
    with house_style():
        figure, axes = new_figure(note)
        pooled = np.concatenate([found.held_out, found.generated])
        low, high = np.quantile(pooled[pooled > 0], [0.002, 0.998]) if (pooled > 0).any() else (0.1, 1.0)
        edges = np.geomspace(low, max(high, 1.01 * low), 51)
        for values, fill, colour, label in (
            (found.held_out, True, REAL, "Held-out real"),
            (found.generated, False, GENERATED, "Generated"),
        ):
            heights, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
            axes.stairs(heights / values.size, edges, fill=fill, color=colour, linewidth=2.4, label=label)
        axes.set_xscale("log")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel("Distance to the nearest training entry [standard deviations]")
        axes.set_ylabel("Share of entries")
        legend_above_data(axes)
    return figure


def plot_profiles(profiles: Mapping[str, Mapping[str, ProfileTest]], *, note: str | None = None) -> Figure:
    """Mean profiles of real and generated entries, and their ratio with the standard errors of both."""
    with house_style():
        figure = Figure(figsize=(8.5 * len(profiles), 8.0), layout="constrained")
        grid = figure.subplots(2, len(profiles), squeeze=False, height_ratios=(3, 1.1))
        for (axes, below), (name, sides) in zip(grid.T, profiles.items(), strict=True):
            real = next(iter(sides.values())).real
            edges = np.arange(len(real.mean) + 1) - 0.5
            axes.stairs(real.mean, edges, fill=True, color=REAL, label="Real")
            for side, found in sides.items():
                colour, width = _COLOURS[side], 2.4 if side == "generated" else 1.4
                axes.stairs(found.other.mean, edges, baseline=None, color=colour, linewidth=width, label=_TITLES[side])
                known = real.mean > 0
                ratio = found.other.mean[known] / real.mean[known]
                error = np.hypot(found.other.error[known], ratio * real.error[known]) / real.mean[known]
                below.errorbar(
                    np.arange(len(known))[known],
                    ratio,
                    error,
                    fmt=_MARKERS[side],
                    markersize=4,
                    color=colour,
                    linewidth=1,
                )
            along, value = _AXES.get(name, (name, "Mean"))
            positive = np.concatenate([s.other.mean for s in sides.values()] + [real.mean])
            positive = positive[positive > 0]
            if positive.size and positive.max() > 100 * positive.min():
                axes.set_yscale("log")
                axes.set_ylim(0.5 * positive.min(), None)
            axes.tick_params(labelbottom=False)
            axes.set_ylabel(value)
            below.axhline(1, color="0.5", linewidth=1)
            below.set_ylim(0.75, 1.25)
            below.set_ylabel("Ratio", loc="center")
            below.set_xlabel(along)
            for part in (axes, below):
                part.set_xlim(edges[0], edges[-1])
            legend_above_data(axes, columns=3)
        sign(grid[0, 0], note)
    return figure


def plot_response(responses: Mapping[str, Response], *, note: str | None = None) -> Figure:
    """Mean of visible over incident energy, and its relative spread, against incident energy."""
    titles = {"reference": "Real", **_TITLES}
    with house_style():
        figure = Figure(figsize=(16.0, 6.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, found in responses.items():
            for axes, values, errors in (
                (left, found.response, found.response_error),
                (right, found.resolution, found.resolution_error),
            ):
                axes.errorbar(
                    found.energy,
                    values,
                    errors,
                    fmt=_MARKERS[name],
                    color=_COLOURS[name],
                    markersize=7,
                    capsize=3,
                    label=titles[name],
                )
        for axes, label in ((left, "Response (visible / incident)"), (right, "Resolution (spread / mean)")):
            axes.set_xlabel("Incident energy [GeV]")
            axes.set_ylabel(label)
            energies = np.concatenate([found.energy for found in responses.values()])
            if energies.size and energies.min() > 0 and math.log10(energies.max() / energies.min()) > 1.5:
                axes.set_xscale("log")
            axes.margins(x=0.05, y=0.15)
            legend_above_data(axes, columns=3)
        sign(left, note)
    return figure
