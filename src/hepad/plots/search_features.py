"""Features of the entries that a search has found, against those of its template beyond the same cut."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.plots.labels import feature_label
from hepad.plots.search_style import FIT_COLOR, first_of_rows, panel_grid, sign_panels
from hepad.plots.style import house_style

_BINS: Final = 16
_ROOM: Final = 0.2
_LINES: Final = (("#d62728", "-"), ("#1f77b4", "--"), ("#2ca02c", ":"))
"""Color and style of each further line."""


def plot_found_features(
    found: Mapping[str, Sequence[float]],
    template: Mapping[str, Sequence[float]],
    *,
    others: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    note: str | None = None,
) -> Figure:
    """Spectra of each feature, as shares of the entries: found entries as points, the template as a filled step.

    Args:
        found: feature → values of the entries beyond a cut.
        template: feature → values of the template beyond the same cut; it may be empty.
        others: name → feature → values of what is drawn as a line each, such as a signal; at most three.
        note: what the data are.

    Raises:
        ValueError: no feature has values.

    >>> import numpy as np
    >>> from hepad.plots.search_features import plot_found_features
    >>> rng = np.random.default_rng(0)
    >>> figure = plot_found_features({"tau21": rng.beta(3, 9, 50)}, {"tau21": rng.beta(9, 5, 400)})
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['Template', 'Found']
    """
    values = {name: _finite(column) for name, column in found.items()}
    shown = {name: column for name, column in values.items() if column.size}
    if not shown:
        raise ValueError("no features to plot")
    with house_style():
        figure, panels = panel_grid(len(shown), most=3, height=4.4, width=5.4, gap=0.75)
        for (axes,), (name, column) in zip(panels, shown.items(), strict=True):
            lines = {title: _finite(columns.get(name, ())) for title, columns in (others or {}).items()}
            _panel(axes, column, _finite(template.get(name, ())), lines)
            axes.set_xlabel(feature_label(name))
        for (axes,) in first_of_rows(panels):
            axes.set_ylabel("Share of entries")
        drawn = next((panel[0] for panel in panels if len(panel[0].get_legend_handles_labels()[1]) > 1), panels[0][0])
        drawn.legend(loc="upper right", fontsize=16)
        sign_panels(panels, note)
    return figure


def _panel(
    axes: Axes,
    found: NDArray[np.float64],
    template: NDArray[np.float64],
    lines: Mapping[str, NDArray[np.float64]],
) -> None:
    # Few entries fill few bins; a few hundred deserve them all.
    fewest = min(found.size, template.size or found.size)
    bins = int(np.clip(np.sqrt(fewest) * 1.5, 5, _BINS))
    both = np.concatenate([found, template, *lines.values()])
    low, high = (float(end) for end in np.quantile(both, [0.005, 0.995]))
    edges = np.linspace(low, high, bins + 1) if low < high else np.linspace(low - 0.5, low + 0.5, bins + 1)
    highest = 0.0
    if template.size:
        share = np.histogram(np.clip(template, edges[0], edges[-1]), edges)[0] / template.size
        axes.stairs(share, edges, fill=True, color=FIT_COLOR, alpha=0.35, zorder=1)
        axes.stairs(share, edges, color=FIT_COLOR, linewidth=1.8, zorder=1.5, label="Template")
        highest = float(share.max())
    for (title, values), (color, style) in zip(lines.items(), _LINES, strict=False):
        if values.size:
            share = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / values.size
            axes.stairs(share, edges, color=color, linestyle=style, linewidth=2.2, zorder=2, label=title)
            highest = max(highest, float(share.max()))
    counts = np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0]
    share, error = counts / found.size, np.sqrt(counts) / found.size
    axes.errorbar(
        (edges[1:] + edges[:-1]) / 2, share, yerr=error, fmt="o", color="black", markersize=6, elinewidth=1.6,
        label="Found", zorder=3,
    )  # fmt: skip
    highest = max(highest, float((share + error).max()))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.05 * highest / (1 - _ROOM))


def _finite(values: Sequence[float]) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    return column[np.isfinite(column)]
