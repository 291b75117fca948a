"""Figures of what a model shows beside its scores: they are drawn, saved, and say what they should."""

import warnings

import numpy as np
import pytest

from hepad.core.schema import ImageLabels
from hepad.metrics import roc_curve
from hepad.metrics.agreement import agreement
from hepad.plots import figure_bytes
from hepad.plots.agreement import plot_bias_by_decile, plot_error_vs_truth, plot_student_vs_teacher
from hepad.plots.generated import plot_generated_features, plot_generated_images
from hepad.plots.roc import plot_roc_pairs


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    truth = np.maximum(rng.normal(size=3000), -0.5)
    return truth, truth + 0.2 * rng.normal(size=3000)


def test_student_and_teacher(scores):
    found = agreement(*scores)
    target = r"$\ln\,s$"
    figures = [
        plot_student_vs_teacher(*scores, target=target),
        plot_error_vs_truth(*scores, found, target=target),
        plot_bias_by_decile(found, target=target),
    ]
    assert all(target in figure.axes[0].get_ylabel() for figure in figures)
    for figure in figures:
        assert len(figure_bytes(figure)) > 10_000
    assert figures[1].axes[0].get_ylabel() == rf"Student − teacher: {target}"


def test_a_perfect_student_and_constant_scores_can_be_drawn():
    for truth in (np.ones(50), np.linspace(0, 1, 50)):
        found = agreement(truth, truth)
        for figure in (
            plot_student_vs_teacher(truth, truth),
            plot_error_vs_truth(truth, truth, found),
            plot_bias_by_decile(found),
        ):
            figure_bytes(figure)


def test_roc_pairs_name_both_areas():
    rng = np.random.default_rng(0)
    curves = [roc_curve(rng.normal(size=500), rng.normal(size=500) + shift) for shift in (1.0, 1.2)]
    figure = plot_roc_pairs({"ttbar": tuple(curves)}, names=("Student", "Teacher"), reference="zero_bias")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) == 3
    assert texts[0].count("0.") == 2
    assert texts[1:] == ["Student", "Teacher"]
    figure_bytes(figure)
    with pytest.raises(ValueError, match="no ROC"):
        plot_roc_pairs({}, names=("a", "b"), reference="zero_bias")


def test_generated_features():
    rng = np.random.default_rng(0)
    real = np.c_[rng.exponential(20, 800), rng.normal(size=800), rng.poisson(2, 800), np.zeros(800)]
    names = ("pt", "eta", "nMuons", "area")
    figure = plot_generated_features(real, real * 1.1, names)
    assert [axes.get_xlabel() for axes in figure.axes[4:6]] == [r"Jet $p_\mathrm{T}$ [GeV]", r"Jet $\eta$"]
    assert len(figure_bytes(figure)) > 10_000
    with pytest.raises(ValueError, match="do not fit"):
        plot_generated_features(real, real[:, :2], names)


def panel(real, generated):
    """The panel of one feature, the one below it, and the heights and kinds of the arrows in that."""
    figure = plot_generated_features(np.asarray(real, float)[:, None], np.asarray(generated, float)[:, None], ["pt"])
    with warnings.catch_warnings():
        # Without room for its panels a figure is drawn all the same, and looks it.
        warnings.filterwarnings("error", ".*layout not applied")
        figure_bytes(figure)
    above, below = figure.axes[0], figure.axes[4]
    arrows = [line for line in below.lines if line.get_marker() in ("^", "v")]
    kinds = {(line.get_marker(), line.get_markerfacecolor() == "white"): list(line.get_xdata()) for line in arrows}
    return above, below, kinds


def test_what_lies_outside_the_range_of_real_entries_is_said_and_not_piled_up():
    rng = np.random.default_rng(0)
    real = rng.uniform(0, 1, 1000)
    above, _, _ = panel(real, np.r_[rng.uniform(0, 1, 600), rng.uniform(5, 6, 300), rng.uniform(-6, -5, 100)])
    (said,) = above.texts
    assert "generated 40.0%" in said.get_text()
    generated = above.patches[1].get_data().values
    assert generated.sum() == pytest.approx(0.6)
    assert not list(panel(real, real)[0].texts)


def test_arrows_stand_for_ratios_that_have_no_place_on_the_axis():
    real = np.repeat([0, 1, 2, 3], [400, 10, 400, 30])
    _, below, arrows = panel(real, np.repeat([-1, 0, 1, 2], [40, 400, 100, 300]))
    # Made but never real, ten times too many, never made.
    assert arrows == {("^", True): [-1], ("^", False): [1], ("v", True): [3]}
    assert below.get_ylim() == (0, 2)


def test_a_feature_of_one_value_is_shown_with_all_that_was_made_of_it():
    rng = np.random.default_rng(0)
    above, below, arrows = panel(np.zeros(500), rng.normal(0, 10, 500))
    assert below.get_xlim()[0] < -20
    assert len(arrows["^", True]) > 10
    shares = [patch.get_data().values for patch in above.patches]
    assert shares[0].max() == 1
    assert shares[1].max() < 0.3
    panel(np.zeros(500), np.zeros(500))


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e6])
def test_generated_images(scale):
    rng = np.random.default_rng(0)
    images = rng.poisson(1, (30, 2, 18, 14)) * scale
    labels = ImageLabels("Share", horizontal="across", vertical="along")
    figure = plot_generated_images(images, images - 0.5 * scale, labels=labels)
    assert [figure.axes[i].get_ylabel() for i in (0, 5, 10)] == ["Real\nalong", "Generated\nalong", "Share"]
    assert len(figure_bytes(figure)) > 5_000
