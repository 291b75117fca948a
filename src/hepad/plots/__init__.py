"""Figures from metrics: made and returned, never shown, in one style that leaves matplotlib's settings alone."""

from hepad.plots.correlations import plot_correlation_bars, plot_correlation_heatmap
from hepad.plots.labels import SampleStyle, feature_label, feature_name, sample_label, sample_styles
from hepad.plots.learning_curves import plot_learning_curves
from hepad.plots.loss_parts import plot_loss_per_feature, plot_loss_per_pixel
from hepad.plots.planes import plot_planes
from hepad.plots.reconstructions import plot_reconstructions
from hepad.plots.roc import plot_roc, plot_sic
from hepad.plots.score_distributions import plot_score_distributions
from hepad.plots.score_vs_feature import plot_phi_rotation, plot_score_vs_feature
from hepad.plots.sculpting import plot_sculpting
from hepad.plots.standard import StandardFigure, best_baseline, standard_figures
from hepad.plots.style import figure_bytes, house_style, save_figure
from hepad.plots.sweeps import plot_parallel_coordinates, plot_search_history

__all__ = [
    "SampleStyle",
    "StandardFigure",
    "best_baseline",
    "feature_label",
    "feature_name",
    "figure_bytes",
    "house_style",
    "plot_correlation_bars",
    "plot_correlation_heatmap",
    "plot_learning_curves",
    "plot_loss_per_feature",
    "plot_loss_per_pixel",
    "plot_parallel_coordinates",
    "plot_phi_rotation",
    "plot_planes",
    "plot_reconstructions",
    "plot_roc",
    "plot_score_distributions",
    "plot_score_vs_feature",
    "plot_sculpting",
    "plot_search_history",
    "plot_sic",
    "sample_label",
    "sample_styles",
    "save_figure",
    "standard_figures",
]
