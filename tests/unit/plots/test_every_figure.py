"""Promises that every figure keeps: it draws without a warning, its axes say what they show, nothing is empty."""

import io
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from hepad import plots
from hepad.core.schema import JET_FEATURES, ImageLabels
from hepad.generators import AmplificationStudy
from hepad.plots.amplification import plot_amplification

RNG = np.random.default_rng(0)
JETS = RNG.exponential(size=(60, len(JET_FEATURES)))
IMAGES = RNG.exponential(5, (40, 18, 14))
PLANE = np.random.default_rng(1).normal(0, 0.2, (9, 12, 2)), np.random.default_rng(1).dirichlet(np.ones(12), 9)
REGIONS = ImageLabels("Region E_T [GeV]", horizontal="iη", vertical="iφ")


def against(evaluation, reference="zero_bias"):
    return {signal: roc for (signal, r), roc in evaluation.rocs.items() if r == reference}


def baselines(evaluation, reference="zero_bias"):
    return {
        ("sum_pt", s): roc for (b, s, r), roc in evaluation.baseline_rocs.items() if (b, r) == ("sum_pt", reference)
    }


def made_up_study(n):
    counts, cells = np.array([0.1, 1, 10]) * n, np.array([4, 16])
    generated = np.random.default_rng(n).lognormal(-5, 0.3, (3, 2, 1)) + 1 / counts
    return AmplificationStudy(n, cells, counts, generated[..., 1], generated)


FIGURES: dict[str, Callable[..., Figure]] = {
    "roc": lambda s, e, h: plots.plot_roc(against(e), reference="zero_bias", baselines=baselines(e)),
    "roc log": lambda s, e, h: plots.plot_roc(
        against(e), reference="zero_bias", log=True, intervals={"ttbar": (0.7, 0.8)}, note="Simulation, 13 TeV"
    ),
    "roc below one half": lambda s, e, h: plots.plot_roc(against(e, "ttbar"), reference="ttbar"),
    "sic": lambda s, e, h: plots.plot_sic(against(e), reference="zero_bias"),
    "scores": lambda s, e, h: plots.plot_score_distributions(s, background="zero_bias"),
    "correlation bars": lambda s, e, h: plots.plot_correlation_bars(e.pearson["ttbar"], e.spearman["ttbar"]),
    "heat map": lambda s, e, h: plots.plot_correlation_heatmap(e.spearman),
    "score vs pt": lambda s, e, h: plots.plot_score_vs_feature(s["ttbar"], "pt"),
    "score vs count": lambda s, e, h: plots.plot_score_vs_feature(s["ttbar"], "nMuons"),
    "learning curves": lambda s, e, h: plots.plot_learning_curves(h),
    "loss per feature": lambda s, e, h: plots.plot_loss_per_feature(
        {"zero_bias": JETS[0] + 0.1, "ttbar": JETS[1] + 0.1}, JET_FEATURES
    ),
    "jets": lambda s, e, h: plots.plot_reconstructions(
        JETS, JETS + 0.1, JETS.sum(1), feature_names=JET_FEATURES, note="Simulation"
    ),
    "events": lambda s, e, h: plots.plot_reconstructions(
        JETS[:56].reshape(7, 8, -1), JETS[4:].reshape(7, 8, -1), np.arange(7), feature_names=JET_FEATURES
    ),
    "planes": lambda s, e, h: plots.plot_planes(PLANE, PLANE, np.arange(9), ["delta_eta", "delta_phi"], "Simulation"),
    "calorimeter": lambda s, e, h: plots.plot_reconstructions(IMAGES, 0.8 * IMAGES, IMAGES.sum((1, 2)), labels=REGIONS),
    "phi rotation": lambda s, e, h: plots.plot_phi_rotation(
        {name: RNG.normal(size=(18, 40)) for name in ("zero_bias", "ttbar")}
    ),
    "loss per pixel": lambda s, e, h: plots.plot_loss_per_pixel(
        {name: RNG.exponential(size=(18, 14)) for name in ("zero_bias", "ttbar", "jet_ht", "radion")}, note="Simulation"
    ),
    "loss per pixel, none": lambda s, e, h: plots.plot_loss_per_pixel({"zero_bias": IMAGES[0] * 0}),
    "amplification": lambda s, e, h: plot_amplification(
        {"N = 300": made_up_study(300), "N = 1,000": made_up_study(1000)}, 16, note="model=flow"
    ),
    "channels": lambda s, e, h: plots.plot_reconstructions(
        RNG.random((5, 16, 16, 3)), RNG.random((5, 16, 16, 3)), np.arange(5)
    ),
}


@pytest.fixture(params=FIGURES)
def figure(request, samples, evaluation, history) -> Figure:
    return FIGURES[request.param](samples, evaluation, history)


def is_color_bar(axes: Axes) -> bool:
    return axes.get_label() == "<colorbar>"


def test_it_draws_without_a_warning_in_black_on_white(figure: Figure):
    image = np.asarray(Image.open(io.BytesIO(plots.figure_bytes(figure))).convert("L"))
    assert image.shape[1] >= 600
    assert image.min() < 60
    assert image[0, 0] == 255


def test_every_axis_says_what_it_shows(figure: Figure):
    for axes in figure.axes:
        spec = axes.get_subplotspec()
        assert spec is not None or is_color_bar(axes)
        if is_color_bar(axes):
            assert axes.get_ylabel()
            continue
        if spec.is_last_row():
            assert axes.get_xlabel()
        if spec.is_first_col():
            assert axes.get_ylabel() or figure.get_supylabel()


def test_no_axes_are_empty(figure: Figure):
    for axes in figure.axes:
        assert axes.has_data() or is_color_bar(axes)


def test_it_is_signed(figure: Figure):
    texts = [figure.get_suptitle(), *(axes.get_title(loc="left") for axes in figure.axes)]
    assert any("hepad" in text for text in texts)


def test_labels_titles_and_legends_stay_inside_the_figure(figure: Figure):
    with plots.house_style():
        figure.draw_without_rendering()
    frame = figure.bbox.padded(1)
    for axes in figure.axes:
        titles = [axes.title, axes._left_title, axes._right_title]
        for artist in (axes.xaxis.label, axes.yaxis.label, *titles, *axes.texts, axes.get_legend(), *figure.legends):
            if artist is not None and artist.get_visible():
                box = artist.get_window_extent()
                assert box.width == 0 or (frame.x0 <= box.x0 and box.x1 <= frame.x1), artist
                assert box.height == 0 or (frame.y0 <= box.y0 and box.y1 <= frame.y1), artist


@pytest.mark.parametrize("name", [n for n in FIGURES if n not in ("roc", "channels", "calorimeter", "events")])
def test_the_legend_covers_no_line(name, samples, evaluation, history):
    figure = FIGURES[name](samples, evaluation, history)
    with plots.house_style():
        figure.draw_without_rendering()
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent()
        for line in axes.get_lines():
            # The random line and the zero line span the axes; the curves are what must stay free.
            points = line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float))
            inside = (
                (points[:, 0] > box.x0) & (points[:, 0] < box.x1) & (points[:, 1] > box.y0) & (points[:, 1] < box.y1)
            )
            assert not inside.any(), line.get_label()


def test_global_settings_stay_as_they_were(samples, evaluation, history):
    before = dict(mpl.rcParams)
    plots.figure_bytes(FIGURES["roc log"](samples, evaluation, history))
    assert dict(mpl.rcParams) == before


def test_the_same_input_gives_the_same_picture(samples, evaluation, history):
    first, second = (plots.figure_bytes(FIGURES["scores"](samples, evaluation, history)) for _ in range(2))
    assert first == second
