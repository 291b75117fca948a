"""Figures over the runs of a sweep."""

from hepad.plots import figure_bytes, plot_parallel_coordinates
from hepad.sweep.console import short
from hepad.sweep.table import SweepTable


def settings_figures(table: SweepTable) -> list[tuple[str, bytes]]:
    """(caption, PNG) of the settings against the metrics; empty with fewer than two runs."""
    rows = [row for row in table.rows if row.value(table.metric) is not None]
    if len(rows) < 2:
        return []
    settings = {key: [row.settings.get(key, "–") for row in rows] for key in table.swept}
    names = [name for name in table.numbers if all(row.value(name) is not None for row in rows)]
    results = {short(name): [row.value(name) or 0.0 for row in rows] for name in names}
    figure = plot_parallel_coordinates(settings, results, minimize=table.direction == "minimize")
    caption = (
        f"Each line is a run, from its settings to its results; the colour is {table.metric}, the best run is drawn "
        "thick."
    )
    return [(caption, figure_bytes(figure))]
