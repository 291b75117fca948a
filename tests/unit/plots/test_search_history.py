"""The plot of a search's course."""

import math

import numpy as np
import pytest

from hepad.plots import plot_search_history


def best_line(figure) -> np.ndarray:
    (line,) = (line for line in figure.axes[0].lines if line.get_label() == "Best so far")
    return np.asarray(line.get_ydata())


@pytest.mark.parametrize(
    ("minimize", "expected"), [(True, [math.nan, 5, 5, 3, 3, 3]), (False, [math.nan, 5, 5, 5, 5, 9])]
)
def test_the_best_so_far_counts_neither_failed_nor_stopped_trials(minimize, expected):
    values = [math.nan, 5, 1, 3, 4, 9]
    figure = plot_search_history(values, [False, False, True, False, False, False], label="loss", minimize=minimize)
    np.testing.assert_array_equal(best_line(figure), expected)


def test_without_a_value_there_is_nothing_to_draw():
    for values, stopped in (([], []), ([math.nan], [False]), ([1.0], [])):
        with pytest.raises(ValueError, match="finite value"):
            plot_search_history(values, stopped, label="loss")
