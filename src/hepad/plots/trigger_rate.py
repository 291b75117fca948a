"""The rate of a trigger against the threshold on its score."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hepad.metrics.rate_curve import RateCurve
from hepad.metrics.working_points import BUNCH_CROSSING_RATE, MIN_ENTRIES
from hepad.plots.labels import sample_label
from hepad.plots.style import house_style, new_figure


def plot_trigger_rate(
    curve: RateCurve, background: str, *, thresholds: Mapping[str, float] | None = None, note: str | None = None
) -> Figure:
    """The rate of a background against the threshold, with its 68% band, down to what ten entries can tell.

    Args:
        curve: the rates.
        background: the sample.
        thresholds: name → threshold that is kept with the run.
        note: what the data are.

    >>> import numpy as np
    >>> from hepad.metrics.rate_curve import rate_curve
    >>> from hepad.plots.trigger_rate import plot_trigger_rate
    >>> figure = plot_trigger_rate(rate_curve(np.arange(500.0)), "zero_bias")
    >>> figure.axes[0].get_ylabel()
    'Rate [kHz]'
    """
    with house_style():
        figure, axes = new_figure(note)
        x = curve.threshold
        axes.fill_between(x, curve.low / 1e3, curve.high / 1e3, color="#3f90da", alpha=0.3, linewidth=0, step="post")
        axes.step(x, curve.rate / 1e3, where="post", color="#3f90da", label=f"{sample_label(background)}, 68% band")
        least = BUNCH_CROSSING_RATE * MIN_ENTRIES / curve.entries / 1e3
        axes.axhspan(1e-3, least, color="0.93", zorder=0)
        axes.axhline(least, color="0.5", linestyle=(0, (1, 1.5)), label=f"{MIN_ENTRIES} entries beyond")
        for rate in (1.0, 3.0, 10.0):
            axes.axhline(rate, color="0.65", linewidth=1.2)
            axes.annotate(
                f"{rate:g} kHz", (0.99, rate), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=15,
                color="0.35",
            )  # fmt: skip
        for line, (name, cut) in enumerate((thresholds or {}).items()):
            axes.axvline(cut, color="#bd1f01", linestyle=("--", "-.", ":")[line % 3], linewidth=1.8, label=name)
        axes.set_yscale("log")
        if x.min() > 0 and x.max() > 30 * x.min():
            axes.set_xscale("log")
        if x.max() > x.min():
            axes.set_xlim(x.min(), x.max() + 0.02 * (x.max() - x.min()))
        axes.set_ylim(min(0.5, 0.5 * least), 1.6 * BUNCH_CROSSING_RATE / 1e3)
        axes.set_xlabel("Threshold on the anomaly score")
        axes.set_ylabel("Rate [kHz]")
        share = axes.secondary_yaxis(
            "right",
            functions=(lambda rate: np.asarray(rate) * 1e3 / BUNCH_CROSSING_RATE,
                       lambda fpr: np.asarray(fpr) * BUNCH_CROSSING_RATE / 1e3),
        )  # fmt: skip
        share.set_ylabel("Share of the background")
        axes.legend(loc="lower left", fontsize=15)
    return figure
