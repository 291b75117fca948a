"""The figure of growth: rates and peak memory with entries, batches and widths, floors dashed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scripts.bench.growth import FLOOR, SCORED, TRAINED
from scripts.bench.training import BARE

MEMORY = ", peak memory"
PANELS = {
    "entries": ("entries", "entries/s"),
    "memory": ("entries", "peak memory, MB"),
    "batch": ("batch size", "entries trained on per second"),
    "width": ("width of the hidden layers", "entries scored per second"),
}


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return panel → way → points, of the rows of the part `growth`."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        what, _, size = row["case"].partition(" ")
        panel = "memory" if row["way"].endswith(MEMORY) else what
        found[panel][row["way"].removesuffix(MEMORY)].append((int(size), row["value"]))
    return found


def draw_growth(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw what has rows, and write the figure."""
    found = curves(rows)
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (panel, (x, y)) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        for way, points in found.get(panel, {}).items():
            _curve(axes, way, points)
        axes.set(xlabel=x, ylabel=y, xscale="log", yscale="linear" if panel == "memory" else "log")
        if panel == "memory":
            axes.set_ylim(bottom=0)
        if panel in found:
            axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _curve(axes: Axes, way: str, points: list[tuple[int, float]]) -> None:
    sizes, values = zip(*sorted(points), strict=True)
    style = "--" if way in (BARE, FLOOR) or way.startswith("bare") else "-"
    color = {SCORED: "#3f90da", TRAINED: "#e76300"}.get(way)
    axes.plot(sizes, values, style, marker="o", markersize=4, label=way, color=color)
