"""Figures of several runs: one look per run, exact points, and no more colours than a reader can tell apart."""

import numpy as np
import pytest

from hepad.metrics import auc, roc_curve, sort_scores
from hepad.plots.runs import in_color, run_styles
from hepad.plots.runs_auc import plot_runs_auc
from hepad.plots.runs_correlation import plot_runs_correlation
from hepad.plots.runs_learning import plot_runs_learning
from hepad.plots.runs_roc import plot_runs_roc, roc_on_log_grid

NAMES = [f"run_{i}" for i in range(20)]


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    # Rounded, so that there are ties.
    return np.round(rng.normal(0, 1, 4000), 2), np.round(rng.normal(1, 1, 3000), 2)


def test_points_for_drawing_lie_on_the_exact_curve(scores):
    drawn, exact = roc_on_log_grid(*(sort_scores(values) for values in scores)), roc_curve(*scores)
    known = dict(zip(exact.fpr.round(12), exact.tpr.round(12), strict=True))
    assert len(drawn.fpr) > 50
    for fpr, tpr in zip(drawn.fpr.round(12), drawn.tpr.round(12), strict=True):
        assert known[fpr] == pytest.approx(tpr, abs=1e-12)
    assert drawn.fpr[-1] == drawn.tpr[-1] == 1.0
    assert (np.diff(drawn.fpr) > 0).all()


def test_the_baseline_is_black_those_shown_have_colours_of_their_own_and_the_rest_is_grey():
    shown = in_color(NAMES[::-1], "run_12")
    looks = run_styles(NAMES, "run_12", shown)
    assert looks["run_12"].color == "#000000"
    assert len({looks[name].color for name in shown}) == len({looks[name].marker for name in shown}) == len(shown) == 8
    others = {looks[name].color for name in NAMES if name not in shown}
    (grey,) = others
    assert grey[1:3] == grey[3:5] == grey[5:7]
    assert grey not in {looks[name].color for name in shown}
    with pytest.raises(ValueError, match="told apart"):
        run_styles(NAMES, "run_0", NAMES)


def test_the_best_and_the_baseline_are_in_colour():
    assert in_color(NAMES[:5], "run_3") == NAMES[:5]
    assert in_color(NAMES, "run_15") == [*NAMES[:7], "run_15"]


def test_roc_of_many_runs_has_a_short_legend(scores):
    curve = roc_on_log_grid(*(sort_scores(values) for values in scores))
    figure = plot_runs_roc(
        dict.fromkeys(NAMES, curve),
        dict.fromkeys(NAMES, auc(*scores)),
        signal="ttbar",
        reference="zero_bias",
        styles=run_styles(NAMES, "run_0", NAMES[:8]),
        shown=in_color(NAMES, "run_0"),
    )
    (axes,) = figure.axes
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert "12 other runs" in texts
    assert sum(text.startswith("run_") for text in texts) == 8
    assert "Zero bias" in axes.get_xlabel()
    # The axes belong to the curves, the legend is under them.
    assert axes.get_ylim() == (0, 1.02)
    figure.draw_without_rendering()
    assert legend.get_window_extent().y1 <= axes.get_tightbbox().y0
    assert legend.get_window_extent().y0 >= 0
    # Nothing that is written leaves the paper, though the margins are fixed.
    box = axes.get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height


def test_auc_has_a_row_for_each_run_and_a_panel_for_each_signal():
    areas = {signal: dict.fromkeys(NAMES[:3], (0.8, 0.79, 0.82)) for signal in ("ttbar", "radion")}
    styles = run_styles(NAMES[:3], "run_0", NAMES[:3])
    figure = plot_runs_auc(areas, runs=NAMES[2::-1], reference="zero_bias", baseline="run_0", styles=styles)
    assert len(figure.axes) == 2
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == NAMES[2::-1]
    with pytest.raises(ValueError, match="no AUC"):
        plot_runs_auc({}, runs=NAMES, reference="a", baseline="b", styles={})


def test_correlations_below_and_above_the_diagonal():
    linear, ranked = np.full((3, 3), 0.5), np.full((3, 3), 0.9)
    linear[0, 2] = np.nan
    figure = plot_runs_correlation(run_styles(NAMES[:3], "run_0", NAMES[:3]), linear, ranked, sample="ttbar")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(texts) == ["0.50"] * 2 + ["0.90"] * 3
    with pytest.raises(ValueError, match="for 2 runs"):
        plot_runs_correlation(run_styles(NAMES[:2], "run_0", NAMES[:2]), linear, ranked, sample="ttbar")


def test_learning_curves_leave_out_what_is_not_a_number():
    histories = {"run_0": {"epoch": [0, 1, 2], "val/loss": [1.0, np.nan, 0.5]}, "run_1": {}}
    figure = plot_runs_learning(histories, styles=run_styles(NAMES, "run_0", NAMES[:2]), shown=NAMES[:2])
    curve = figure.axes[0].lines[0]
    np.testing.assert_array_equal(curve.get_xdata(), [0, 2])
    # No room inside the axes that no curve needs.
    low, high = figure.axes[0].get_ylim()
    assert 0.4 < low < high < 1.1
    with pytest.raises(ValueError, match="no run"):
        plot_runs_learning({"run_1": {}}, styles=run_styles(NAMES, "run_0", NAMES[:2]), shown=NAMES)
