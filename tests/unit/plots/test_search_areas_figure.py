"""The figure that steps and restarts of a latent search are chosen by."""

from hepad.plots.latent_search import plot_search_areas


def test_axes_say_what_was_reduced_and_where_restarts_start() -> None:
    by_restarts = {"mean": {"ttbar": [0.7, 0.8]}, "min": {"ttbar": [0.7, 0.9]}}
    for reduction in by_restarts:
        figure = plot_search_areas(
            {"ttbar": [0.6, 0.7]}, by_restarts, "zero_bias", reduction=reduction, starts="each from somewhere"
        )
        left, right = figure.axes
        assert left.get_xlabel() == f"Steps, {reduction} over all restarts"
        assert "each from somewhere" in right.get_xlabel()
