"""The plot of settings against results."""

import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch

from hepad.plots import plot_parallel_coordinates
from hepad.plots.sweeps import _BEST

SETTINGS = {"model": ["vae", "ae", "ae", "vae"], "lr": ["1e-4", "1e-3", "1e-2", "1e-3"], "constant": ["1"] * 4}
RESULTS = {"val/loss": [0.4, 0.2, 0.9, 0.5], "AUC top": [0.8, 0.6, 0.7, 0.9]}


def lines(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, PathPatch)]


def ends(patch):
    """The heights of a line at every axis."""
    return [float(y) for _, y in patch.get_path().vertices[::3]]


def test_every_run_is_a_line_through_every_axis():
    drawn = lines(plot_parallel_coordinates(SETTINGS, RESULTS))
    assert len(drawn) == 4
    assert all(len(ends(patch)) == 5 and 0 <= min(ends(patch)) <= max(ends(patch)) <= 1 for patch in drawn)


@pytest.mark.parametrize(("minimize", "place"), [(True, 0.04), (False, 0.96)])
def test_the_best_run_is_thick_and_where_its_result_is(minimize, place):
    drawn = lines(plot_parallel_coordinates(SETTINGS, RESULTS, minimize=minimize))
    best = max(drawn, key=lambda patch: patch.get_linewidth())
    assert best.get_edgecolor() == to_rgba(_BEST)
    assert ends(best)[3] == pytest.approx(place)


def test_numbers_over_decades_are_evenly_spaced():
    drawn = sorted(lines(plot_parallel_coordinates(SETTINGS, RESULTS)), key=lambda patch: ends(patch)[1])
    low, *middle, high = (ends(patch)[1] for patch in drawn)
    assert all(abs(place - (low + high) / 2) < 0.05 for place in middle)


def test_nothing_to_draw_is_refused():
    for settings, results in (({}, RESULTS), (SETTINGS, {}), ({"a": []}, {"b": []}), ({"a": ["1"]}, RESULTS)):
        with pytest.raises(ValueError, match="equally many"):
            plot_parallel_coordinates(settings, results)
