"""Figures over the runs of a sweep."""

from contextlib import suppress

from hepad.comparison import read_record
from hepad.comparison.differences import spelled
from hepad.comparison.scores import read_scores
from hepad.core.errors import UserError
from hepad.metrics import SortedScores, auc_components, sort_scores
from hepad.pipeline.console import short
from hepad.pipeline.results import JobResult
from hepad.pipeline.table import OWN_AUC, SweepTable
from hepad.plots import figure_bytes, plot_parallel_coordinates
from hepad.plots.runs import in_color, run_styles
from hepad.plots.runs_roc import plot_runs_roc, roc_on_log_grid


def settings_figures(table: SweepTable) -> list[tuple[str, bytes]]:
    """(caption, PNG) of the settings against the metrics; empty with fewer than two runs."""
    # Runs that a loss cannot order are drawn by their AUC.
    areas = [name for name in table.numbers if name == OWN_AUC or name.startswith("test/auc/")]
    order = [*table.numbers] if table.ordered else [*areas, *(name for name in table.numbers if name not in areas)]
    rows = [row for row in table.rows if order and row.value(order[0]) is not None]
    if len(rows) < 2 or not (table.ordered or areas):
        return []
    settings = {key: [row.settings.get(key, "–") for row in rows] for key in table.swept}
    names = [name for name in order if all(row.value(name) is not None for row in rows)]
    results = {short(name): [row.value(name) or 0.0 for row in rows] for name in names}
    figure = plot_parallel_coordinates(settings, results, minimize=table.ordered and table.direction == "minimize")
    thick = "the best run" if table.best is not None else "the run with the highest"
    caption = (
        "Each line is a run, from its settings to its results; the colour is "
        f"{short(order[0])}, {thick} is drawn thick."
    )
    return [(caption, figure_bytes(figure))]


def roc_figures(table: SweepTable) -> list[tuple[str, bytes]]:
    """(caption, PNG) of the ROC curves of the runs of each background, one figure per signal."""
    found = []
    for background in table.backgrounds:
        rows = [row for row in table.rows if row.background == background and row.status == "finished"]
        differing = [key for key in table.swept if len({row.settings.get(key) for row in rows}) > 1]
        scores = {
            spelled({key: row.settings[key] for key in differing if key in row.settings}) or row.name: samples
            for row in rows
            if (samples := _sorted_scores(row))
        }
        # No run of a sweep is the one that the others are compared with; they come in the order of its table.
        shown = in_color(list(scores), None)
        styles = run_styles(scores, None, shown)
        for signal in dict.fromkeys(
            sample for samples in scores.values() for sample in samples if sample != background
        ):
            runs = [run for run, samples in scores.items() if {signal, background} <= samples.keys()]
            curves = {run: roc_on_log_grid(scores[run][background], scores[run][signal]) for run in runs}
            if not curves:
                continue
            aucs = {run: auc_components(scores[run][background], scores[run][signal]).auc for run in runs}
            figure = plot_runs_roc(
                curves,
                aucs,
                signal=signal,
                reference=background,
                styles=styles,
                shown=sorted(set(shown) & set(runs), key=lambda run: -aucs[run]),
            )
            found.append((f"ROC of the runs trained on {background}: {signal} against it.", figure_bytes(figure)))
    return found


def _sorted_scores(row: JobResult) -> dict[str, SortedScores]:
    """Return sample → scores of a run; of nothing where it has none."""
    with suppress(UserError):
        if row.run_dir is not None:
            found = read_scores(read_record(row.run_dir))
            return {name: sort_scores(sample.score) for name, sample in found.items() if sample.score.size > 1}
    return {}
