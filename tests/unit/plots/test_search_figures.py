"""Figures of a search: what is drawn is what was found, and what failed is named and not drawn."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import norm

from hepad.metrics import count_significance
from hepad.plots import house_style
from hepad.plots.runs import run_styles
from hepad.plots.search_closure import TemplateClosure, plot_closure_auc, plot_closure_pulls
from hepad.plots.search_features import plot_found_features
from hepad.plots.search_injection import Injection, over_seeds, plot_injection
from hepad.plots.search_limits import plot_limits_by_cut, plot_search_limits
from hepad.plots.search_performance import SicBand, plot_search_sic
from hepad.plots.search_scan import PScan, plot_search_cuts, plot_search_scan
from hepad.plots.search_spectrum import MassSpectrum, plot_search_spectrum, poisson_interval
from hepad.plots.searches import plot_searches

NAN = float("nan")
RNG = np.random.default_rng(0)
METHODS = ["idealized", "cathode", "$_odd_$"]
STYLES = run_styles(METHODS, None, METHODS)
EDGES = np.linspace(3, 5, 11)
COUNTS = np.array([900, 500, 300, 170, 140, 60, 31, 20, 6, 0])
EXPECTED = 900 * np.exp(-0.55 * np.arange(10))
WINDOWS = [(3.0, 3.5), (3.5, 4.0), (4.0, 4.5)]
LIMIT = {"observed": 210.0, "-2": 60.0, "-1": 80.0, "median": 110.0, "1": 160.0, "2": 220.0}
GOOD = MassSpectrum("no cut", EDGES, COUNTS, EXPECTED, 0.05 * EXPECTED, ["n = 310, b = 240", "Z = 2.1"])
FAILED = MassSpectrum("top 1%", EDGES, COUNTS // 90, failure="the fit of dijet_3 did not converge: its edge is at $0.")
CLOSURE = TemplateClosure(
    [0.51, NAN, 0.5], [0.01, NAN, 0.01], [0.5, NAN, 0.5], [0.01, NAN, 0.01], {"delta_r": [(0.1, 1.1), (NAN, NAN)]}
)
INJECTED = Injection([0, 0, 5, 500], [0.1, 0.2, 1, 9])
SIC = SicBand([0.01, 0.1, 0.5, 1], [NAN, 8, 5, 1], [NAN, 6, 4, 1], [NAN, 10, 6, 1], "8.0(20)")

FIGURES: dict[str, Callable[[], Figure]] = {
    "spectrum": lambda: plot_search_spectrum([GOOD], WINDOWS[1], observable="m_jj", unit="TeV", note="Simulation"),
    "spectra": lambda: plot_search_spectrum([GOOD, *[FAILED] * 4], WINDOWS[1], observable="my_$mass", note="Data"),
    "scan": lambda: plot_search_scan(
        [PScan(m, {1: [0.5, 1e-9, 0], 0.01: [NAN, 0.2, 1]}, {1: [0.5, 0.1, 0.9]}, ["global p = 0.1"]) for m in METHODS],
        WINDOWS,
        observable="m_jj",
        unit="TeV",
        note="Simulation",
    ),
    "limits": lambda: plot_search_limits({1: [LIMIT, {}, LIMIT], 0.1: [{"median": 3.0}] * 3}, WINDOWS, observable="m"),
    "cuts": lambda: plot_search_cuts(
        [PScan(m, {1: [0.5], 0.1: [1e-6], 0.01: [NAN]}, {1: [0.4], 0.01: [0.2]}, ["global p = 0.1"]) for m in METHODS],
        styles=STYLES,
        note="Simulation",
    ),
    "limits by cut": lambda: plot_limits_by_cut({m: {1.0: LIMIT, 0.1: {}} for m in METHODS}, note="Simulation"),
    "searches": lambda: plot_searches(
        {"Z": {("first", "cathode"): (4, 4, 4), ("second_$", METHODS[2]): (1, 0, 3)}, "Max SIC": {}},
        searches=["first", "second_$"],
        styles=STYLES,
        note="Simulation",
    ),
    "sic": lambda: plot_search_sic(dict.fromkeys(METHODS, SIC), styles=STYLES, note="Simulation"),
    "closure": lambda: plot_closure_auc(
        dict.fromkeys(METHODS, CLOSURE), WINDOWS, styles=STYLES, observable="m_jj", unit="TeV", note="Simulation"
    ),
    "pulls": lambda: plot_closure_pulls(dict.fromkeys(METHODS, CLOSURE), styles=STYLES, note="Simulation"),
    "features": lambda: plot_found_features(
        {"m_jj": RNG.random(9), "delta_r": RNG.random(40), "empty": [], "one": [2.0] * 5, "nan": [NAN, 1.0, 2.0]},
        {"delta_r": RNG.random(200), "one": [2.0] * 10},
    ),
    "injection": lambda: plot_injection(
        {"Z": dict.fromkeys(METHODS, INJECTED), "SIC": {"cathode": Injection([5], [2])}},
        styles=STYLES,
        amount="Injected",
        levels={"Z": [3, 5]},
        note="Simulation",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return {name: draw() for name, draw in FIGURES.items()}


@pytest.mark.parametrize("name", FIGURES)
def test_it_draws_in_black_on_white_and_is_signed(figures, name):
    figure = figures[name]
    with house_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=-1)
    assert image.shape[1] >= 600
    assert image.min() < 60
    assert image[0, 0] == 255
    assert any("hepad" in axes.get_title(loc="left") for axes in figure.axes)
    frame = figure.bbox.padded(1)
    for axes in figure.axes:
        assert axes.has_data() or axes.texts
        words = (axes.xaxis.label, axes.yaxis.label, axes._left_title, axes._right_title, *axes.texts, *figure.legends)
        for artist in (*words, *([axes.get_legend()] if axes.get_legend() else [])):
            box = artist.get_window_extent()
            assert frame.x0 <= box.x0 or box.width == 0, artist
            assert (box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1) or box.width == 0, artist


def test_axes_are_named_once_in_a_row(figures):
    axes = figures["spectra"].axes
    assert [ax.get_ylabel() for ax in axes[::2]] == ["Entries per bin", "", "", "Entries per bin", ""]
    assert [ax.get_xlabel() for ax in axes[1::2]] == ["my_\\$mass"] * 5


def test_bars_are_significances_of_counts_with_the_error_of_the_fit(figures):
    below = figures["spectrum"].axes[1]
    drawn = {round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height() for bar in below.patches[1:]}
    expected = count_significance(COUNTS, EXPECTED, 0.05 * EXPECTED)
    assert [drawn[round(x, 6)] for x in (EDGES[1:] + EDGES[:-1]) / 2] == pytest.approx(expected)


def test_absurd_significances_end_in_an_arrow_and_leave_the_others_readable():
    absurd = MassSpectrum("top 1%", [3, 4, 5, 6, 7], [30, 1e9, 9, 0], [28, 0, 9, 1e9], [2, 1, 1, 1e-3])
    below = plot_search_spectrum([absurd], (4, 5), observable="m_jj").axes[1]
    heights = sorted(bar.get_height() for bar in below.patches[1:])
    assert heights == pytest.approx([-100, 0, count_significance([30], [28], [2])[0], 100])
    assert [line.get_marker() for line in below.lines if line.get_marker() in "^v"] == ["^", "v"]
    assert -120 < below.get_ylim()[0] < -106 < 106 < below.get_ylim()[1] < 120


def test_no_level_is_named_at_the_edge_of_the_panel_of_significances():
    """4 stands at the top edge where the largest bar is 3.5, and would touch the 0 of the panel above."""
    edged = MassSpectrum("top 1%", [3, 4, 5, 6], [10, 32, 10], [10, 15.2, 10], [0.1, 0.1, 0.1])
    below = plot_search_spectrum([edged], (4, 5), observable="m_jj").axes[1]
    assert 4 < below.get_ylim()[1] < 4.3
    assert below.get_yticks().tolist() == [-2, 0, 2]


def test_a_failed_fit_is_named_and_draws_no_background():
    drawn_anyway = MassSpectrum("top 1%", EDGES, COUNTS, EXPECTED, EXPECTED, ["Z = 9"], "it did not converge")
    figure = plot_search_spectrum([drawn_anyway], WINDOWS[1], observable="m_jj")
    top, below = figure.axes
    assert sorted(top.get_legend_handles_labels()[1]) == ["Data", "Window"]
    words = " ".join(text.get_text() for axes in (top, below) for text in axes.texts)
    assert "No fit: it did not converge" in words.replace("\n", " ")
    assert "no fit" in words
    assert "Z = 9" not in words


def test_poisson_intervals_are_those_of_the_tables():
    """Ends for 0, 1 and 10 entries (PDG, Table 40.3 at 68.27%)."""
    low, high = poisson_interval(np.array([0, 1, 10]))
    assert low == pytest.approx([0, 0.173, 6.891], abs=2e-3)
    assert high == pytest.approx([1.841, 3.300, 14.267], abs=2e-3)


def test_the_scan_draws_known_p_values_and_levels_of_sigma():
    p = {1.0: [0.5, 3e-4, NAN], 0.01: [NAN, 0.2, 1e-40]}
    figure = plot_search_scan([PScan("a", p, {1.0: [0.9, 0.8, 0.7]})], WINDOWS, observable="m_jj")
    axes = figure.axes[0]
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    assert any(np.array_equal(line, [0.5, 3e-4]) for line in lines)
    # Too small for the axis: an arrow at its end.
    assert any(line.size == 1 and line[0] == 1e-20 for line in lines)
    levels = [line[0] for line in lines if line.size == 2 and line[0] == line[1] and line[0] < 0.5]
    assert sorted(levels, reverse=True) == pytest.approx(norm.sf([1, 2, 3, 4, 5, 7, 9]))
    assert axes.get_ylim()[0] < 1e-20
    assert "null twin" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_bands_of_limits_have_the_ends_that_were_given(figures):
    axes = figures["limits"].axes[0]
    heights = {
        tuple(np.round([box.y0, box.y1], 6)) for c in axes.collections for box in [c.get_datalim(axes.transData)]
    }
    assert {(60.0, 220.0), (80.0, 160.0)} <= heights


def test_the_median_and_its_band_are_over_seeds():
    values = RNG.normal(3, 1, 50)
    found = Injection([*np.full(50, 20.0), 10.0, 10.0, 30.0], [*values, 1.0, NAN, NAN])
    rows = over_seeds(found)
    assert rows[:, 0].tolist() == [10.0, 20.0]
    assert rows[1, 1:4] == pytest.approx(np.quantile(values, [0.16, 0.5, 0.84]))
    assert rows[:, 4].tolist() == [1, 50]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_search_spectrum([], (0, 1), observable="m"),
        lambda: plot_search_scan([PScan("a", {1.0: [NAN]})], WINDOWS[:1], observable="m"),
        lambda: plot_search_limits({1.0: [{}]}, WINDOWS[:1], observable="m"),
        lambda: plot_search_cuts([PScan("a", {1.0: [NAN]})], styles=STYLES),
        lambda: plot_limits_by_cut({"cathode": {1.0: {}}}),
        lambda: plot_searches({"Z": {}}, searches=["a"], styles=STYLES),
        lambda: plot_search_sic({"cathode": SicBand([0.1], [NAN], [NAN], [NAN])}, styles=STYLES),
        lambda: plot_closure_auc({}, WINDOWS, styles=STYLES, observable="m"),
        lambda: plot_closure_pulls({}, styles=STYLES),
        lambda: plot_found_features({"a": [NAN]}, {}),
        lambda: plot_injection({"Z": {"cathode": Injection([1], [NAN])}}, styles=STYLES, amount="n"),
    ],
)
def test_nothing_to_draw_is_an_error_and_no_empty_figure(draw):
    with pytest.raises(ValueError, match=r"no .* to plot"):
        draw()
