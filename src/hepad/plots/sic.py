"""Significance improvement."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hepad.metrics.roc import RocCurve
from hepad.metrics.working_points import MIN_ENTRIES, sic_curve
from hepad.plots.labels import SampleStyle, sample_label, sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


def plot_sic(
    rocs: Mapping[str, RocCurve],
    *,
    reference: str,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """Significance improvement TPR / √FPR against signal efficiency, where at least 10 background entries remain.

    Args:
        rocs: signal → ROC curve.
        reference: the sample on the background side.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no curve has a point with 10 background entries.

    >>> import numpy as np
    >>> from hepad.metrics import roc_curve
    >>> from hepad.plots import plot_sic
    >>> rng = np.random.default_rng(0)
    >>> roc = roc_curve(rng.normal(0, 1, 1000), rng.normal(1, 1, 1000))
    >>> figure = plot_sic({"radion": roc}, reference="zero_bias")
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['Radion: max 1.41', 'Random']
    """
    curves = {name: curve for name, roc in rocs.items() if (curve := sic_curve(roc)).sic.size}
    if not curves:
        raise ValueError(f"no cut keeps {MIN_ENTRIES} background entries: no significance improvement to plot")
    looks = styles or sample_styles(rocs)
    with house_style():
        figure, axes = new_figure(note)
        for name, curve in curves.items():
            # Thinned for drawing; the maximum stays.
            shown = np.union1d(np.arange(0, curve.sic.size, max(1, curve.sic.size // 2000)), curve.sic.argmax())
            axes.plot(
                curve.tpr[shown],
                curve.sic[shown],
                color=looks[name].color,
                linestyle=looks[name].linestyle,
                label=f"{looks[name].label}: max {curve.sic.max():.2f}",
            )
        efficiency = np.linspace(0, 1, 200)
        axes.plot(efficiency, np.sqrt(efficiency), color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
        axes.set_xlabel("True positive rate")
        axes.set_ylabel(f"TPR / √FPR (vs {sample_label(reference)})")
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.05 * max(1.0, *(curve.sic.max() for curve in curves.values())))
        legend_above_data(axes)
    return figure
