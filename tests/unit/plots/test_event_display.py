"""Displays of entries: circles by pT, once more beyond the seam in φ, and arrays that do not fit."""

import numpy as np
import pytest
from matplotlib.patches import Circle

from hepad.plots import figure_bytes
from hepad.plots.event_display import plot_events, plot_top_features, plot_top_images
from hepad.plots.style import DPI


def test_the_area_of_a_circle_is_the_pt_and_an_empty_slot_has_none():
    places, pt = np.zeros((1, 3, 2)), np.array([[400.0, 100.0, 0.0]])
    figure = plot_events(places, pt, np.array([[0.9, 0.1, 0.0]]), ["first"], (places, 0 * pt))
    left, right = figure.axes[:2]
    circles = [patch for patch in left.patches if isinstance(patch, Circle)]
    # Each once more on either side of the seam.
    assert len(circles) == 6
    assert circles[0].radius ** 2 / circles[3].radius ** 2 == pytest.approx(4)
    assert {round(circle.center[1] / np.pi) for circle in circles} == {-2, 0, 2}
    assert not [patch for patch in right.patches if isinstance(patch, Circle)]
    # The redder one contributes more.
    assert circles[0].get_facecolor()[1] < circles[3].get_facecolor()[1]


def test_pictures_are_drawn_with_and_without_a_reconstruction():
    rng = np.random.default_rng(0)
    images = rng.exponential(size=(2, 6, 5))
    titles = ["first", "$second_"]
    assert len(plot_top_images(images, None, images, images, titles).axes) == 6 + 4
    assert figure_bytes(plot_top_images(images, images, images, images, titles)).startswith(b"\x89PNG")
    x = rng.normal(size=(2, 4)) * 100
    figure = plot_top_features(x, x, x, x, titles, ["a", "b", "c_", "$d"])
    assert figure.axes[1].get_xscale() == "symlog"
    # More is given a page's full width.
    assert figure.get_figwidth() * DPI > 1200
    assert all(axes.get_ylim() == figure.axes[0].get_ylim() for axes in figure.axes)
    assert figure_bytes(figure).startswith(b"\x89PNG")


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="unequal"):
        plot_events(np.zeros((1, 2, 2)), np.zeros((1, 3)), np.zeros((1, 3)), ["a"], (np.zeros((1, 2, 2)),) * 2)
    with pytest.raises(ValueError, match="unequal"):
        plot_top_features(np.zeros((1, 2)), np.zeros((1, 3)), np.zeros((1, 2)), np.zeros((1, 2)), ["a"], ["a", "b"])
