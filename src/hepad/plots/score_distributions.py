"""Histograms of the anomaly score."""

import math
from collections.abc import Mapping

import hist
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from hepad.metrics.samples import ScoredSample
from hepad.plots.labels import FloatArray, SampleStyle, sample_styles, score_edges
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


def zero_bin(bins: FloatArray) -> FloatArray:
    """Return the edges, (2,), of a bin for zeros on the left of logarithmic ones: three as wide, two away."""
    step = bins[1] / bins[0]
    return np.array([bins[0] / step**5, bins[0] / step**2])


def zero_share(sample: ScoredSample) -> tuple[float, float]:
    """Share of the entries, or of their weight, with a score of exactly 0, and its statistical error √Σw²."""
    weight = np.ones(len(sample)) if sample.weight is None else sample.weight
    chosen = weight[sample.score == 0]
    return float(chosen.sum() / weight.sum()), float(np.sqrt(np.square(chosen).sum()) / weight.sum())


def _mark_zero(axes: Axes, zeros: FloatArray, bins: FloatArray) -> None:
    """Write 0 under the bin of zeros, and powers of ten under the others alone."""
    powers = range(math.ceil(np.log10(bins[0])), math.floor(np.log10(bins[-1])) + 1)
    places = [float(np.sqrt(zeros[0] * zeros[1])), *(10.0**k for k in powers)]
    axes.set_xticks(places, ["0", *(rf"$\mathdefault{{10^{{{k}}}}}$" for k in powers)])
    between = [f * 10.0**k for k in range(powers.start - 1, powers.stop) for f in range(2, 10)]
    axes.set_xticks([place for place in between if bins[0] <= place <= bins[-1]], minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())


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
    last bin, which are open. Scores that spread over decades get logarithmic bins, with scores of exactly 0, such as
    those of events without any object, in a bin apart.

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
    bins, log, apart = score_edges(pooled, n_bins, min(float(sample.score.min()) for sample in samples.values()))
    zeros = zero_bin(bins) if apart else None
    with house_style():
        figure, axes = new_figure(note)
        lowest, highest = 1.0, 0.0
        for name, sample in samples.items():
            shares, errors = binned_shares(sample, bins)
            look = looks[name]
            drawn: list[tuple[FloatArray, FloatArray, FloatArray, str | None]] = [(shares, errors, bins, look.label)]
            if zeros is not None:
                alone, error = zero_share(sample)
                # The first bin of the rest is open downwards, but not to these; what is left by rounding is nothing.
                rest = shares[0] - alone
                shares[0] = rest if rest > 1e-12 else 0.0
                errors[0] = np.sqrt(max(errors[0] ** 2 - error**2, 0.0))
                drawn.append((np.array([alone]), np.array([error]), zeros, None))
            every = np.concatenate([heights for heights, _, _, _ in drawn])
            lowest = min(lowest, every[every > 0].min())
            highest = max(highest, every.max())
            for heights, bars, places, label in drawn:
                if name == background:
                    axes.stairs(heights, places, fill=True, color=look.color, alpha=0.25)
                mplhep.histplot(
                    heights,
                    places,
                    yerr=bars,
                    ax=axes,
                    color=look.color,
                    linestyle=look.linestyle,
                    label=label,
                    flow="none",
                )
        if log:
            axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim((bins if zeros is None else zeros)[0], bins[-1])
        if zeros is not None:
            _mark_zero(axes, zeros, bins)
        axes.set_ylim(0.5 * lowest, 2 * highest)
        axes.set_xlabel("Anomaly score (first and last bin open)")
        axes.set_ylabel("Share of entries per bin")
        legend_above_data(axes)
    return figure
