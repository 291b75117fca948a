"""Histograms of the anomaly score."""

from collections.abc import Mapping

import hist
import mplhep
import numpy as np
from matplotlib.figure import Figure

from hepad.metrics.samples import ScoredSample
from hepad.plots.labels import FloatArray, SampleStyle, edges, is_heavy_tailed, sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


def binned_shares(sample: ScoredSample, bins: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of the entries, or of their weight, in each bin, with its statistical error √Σw²; the end bins are open."""
    filled = hist.Hist(hist.axis.Variable(bins.tolist(), name="score"), storage=hist.storage.Weight())
    filled.fill(sample.score, weight=sample.weight)
    view = filled.view(flow=True)
    total = len(sample) if sample.weight is None else sample.weight.sum()
    # Nothing falls out of sight.
    counts, squares = (
        np.concatenate([[values[0] + values[1]], values[2:-2], [values[-2] + values[-1]]])
        for values in (np.asarray(view["value"]), np.asarray(view["variance"]))
    )
    return counts / total, np.sqrt(squares) / total


def plot_score_distributions(
    samples: Mapping[str, ScoredSample],
    *,
    n_bins: int = 50,
    background: str | None = None,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """The share of each sample's entries per bin of the score, in common bins, with statistical errors.

    The bins span all samples but one in a thousand entries at either end; those are counted in the first and the
    last bin, which are open. Scores that spread over decades get logarithmic bins.

    Args:
        samples: name → scored sample.
        n_bins: how many bins.
        background: the sample drawn filled.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no samples.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample
    >>> from hepad.plots import plot_score_distributions
    >>> rng = np.random.default_rng(0)
    >>> background = ScoredSample("zero_bias", rng.normal(0, 1, 500))
    >>> samples = {"zero_bias": background, "ttbar": ScoredSample("ttbar", rng.normal(1, 1, 500))}
    >>> figure = plot_score_distributions(samples, background="zero_bias", n_bins=30)
    >>> figure.axes[0].get_xlabel()
    'Anomaly score (first and last bin open)'
    """
    if not samples:
        raise ValueError("no scores to plot")
    looks = styles or sample_styles(samples)
    # Every sample has the same say in the range, however large it is.
    smallest = min(len(sample) for sample in samples.values())
    pooled = np.concatenate([s.score[:: max(1, len(s) // max(smallest, 2000))] for s in samples.values()])
    log = is_heavy_tailed(pooled) and all(sample.score.min() >= 0 for sample in samples.values())
    bins = edges(pooled, n_bins, log)
    with house_style():
        figure, axes = new_figure(note)
        lowest, highest = 1.0, 0.0
        for name, sample in samples.items():
            shares, errors = binned_shares(sample, bins)
            lowest = min(lowest, shares[shares > 0].min())
            highest = max(highest, shares.max())
            look = looks[name]
            if name == background:
                axes.stairs(shares, bins, fill=True, color=look.color, alpha=0.25)
            mplhep.histplot(
                shares,
                bins,
                yerr=errors,
                ax=axes,
                color=look.color,
                linestyle=look.linestyle,
                label=look.label,
                flow="none",
            )
        if log:
            axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(bins[0], bins[-1])
        axes.set_ylim(0.5 * lowest, 2 * highest)
        axes.set_xlabel("Anomaly score (first and last bin open)")
        axes.set_ylabel("Share of entries per bin")
        legend_above_data(axes)
    return figure
