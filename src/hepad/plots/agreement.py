"""A student beside its teacher: the scores, the error against the true score, bias and width by decile."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hepad.metrics.agreement import Agreement
from hepad.plots.labels import FloatArray
from hepad.plots.style import SEQUENTIAL, house_style, legend_above_data, new_figure

_BINS = 80
_LINE = "#bd1f01"


def plot_student_vs_teacher(
    truth: ArrayLike, student: ArrayLike, *, target: str = "$s$", note: str | None = None
) -> Figure:
    """Entries per bin of true and predicted score, with the line on which a perfect student would be.

    Args:
        truth: `(N,)` the teacher's scores, as the student's target.
        student: `(N,)` the student's scores.
        target: what they are of the teacher's score s, in mathtext.
        note: what the data are.
    """
    t, s = np.asarray(truth, dtype=np.float64), np.asarray(student, dtype=np.float64)
    with house_style():
        figure, axes = new_figure(note)
        low, high = _range(np.concatenate([t, s]))
        edges = np.linspace(low, high, _BINS + 1)
        counts = np.histogram2d(t.clip(low, high), s.clip(low, high), bins=(edges, edges))[0]
        mesh = axes.pcolormesh(edges, edges, np.ma.masked_equal(counts.T, 0), norm=_norm(counts), cmap=SEQUENTIAL)
        axes.plot([low, high], [low, high], color=_LINE, linestyle="--", label="Student = teacher")
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel(f"Teacher: {target}")
        axes.set_ylabel(f"Student: {target}")
        axes.legend(loc="upper left")
        figure.colorbar(mesh, ax=axes, pad=0.02).set_label("Entries")
    return figure


def plot_error_vs_truth(
    truth: ArrayLike, student: ArrayLike, found: Agreement, *, target: str = "$s$", note: str | None = None
) -> Figure:
    """Entries per bin of true score and error, with mean and standard deviation in each decile of the true score.

    Args:
        truth: `(N,)` the teacher's scores, as the student's target.
        student: `(N,)` the student's scores.
        found: what `hepad.metrics.agreement` says of the two.
        target: what the scores are of the teacher's score s, in mathtext.
        note: what the data are.
    """
    t = np.asarray(truth, dtype=np.float64)
    error = np.asarray(student, dtype=np.float64) - t
    with house_style():
        figure, axes = new_figure(note)
        low, high = _range(t)
        reach = max(float(np.abs(np.quantile(error, [0.001, 0.999])).max()), 1e-6)
        x_edges, y_edges = np.linspace(low, high, _BINS + 1), np.linspace(-reach, reach, _BINS + 1)
        counts = np.histogram2d(t.clip(low, high), error.clip(-reach, reach), bins=(x_edges, y_edges))[0]
        mesh = axes.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), norm=_norm(counts), cmap=SEQUENTIAL)
        axes.axhline(0, color="0.4", linestyle="--", linewidth=1.5)
        axes.errorbar(
            found.truth,
            found.bias,
            yerr=found.width,
            fmt="o",
            markersize=7,
            color=_LINE,
            markeredgecolor="white",
            elinewidth=2,
            label="Mean and spread by decile",
        )
        axes.set_xlabel(f"Teacher: {target}")
        axes.set_ylabel(f"Student − teacher: {target}")
        legend_above_data(axes)
        figure.colorbar(mesh, ax=axes, pad=0.02).set_label("Entries")
    return figure


def plot_bias_by_decile(found: Agreement, *, target: str = "$s$", note: str | None = None) -> Figure:
    """Bias and width of the student in each decile of the true score.

    Args:
        found: what `hepad.metrics.agreement` says of student and teacher.
        target: what the scores are of the teacher's score s, in mathtext.
        note: what the data are.
    """
    with house_style():
        figure, axes = new_figure(note)
        edges = 100 * np.concatenate([found.low, found.high[-1:]])
        axes.stairs(
            found.width, edges, baseline=None, color="#3f90da", linewidth=2.5, label="Width (standard deviation)"
        )
        axes.stairs(found.bias, edges, baseline=0, fill=True, color=_LINE, alpha=0.35)
        axes.stairs(found.bias, edges, baseline=None, color=_LINE, linewidth=2.5, label="Bias (mean)")
        axes.axhline(0, color="0.4", linewidth=1.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel("Percentile of the teacher's score")
        axes.set_ylabel(f"Student − teacher: {target}")
        axes.margins(y=0.1)
        legend_above_data(axes)
    return figure


def _range(values: FloatArray) -> tuple[float, float]:
    """All but a thousandth of the values at either end, and never empty; what lies beyond is drawn at the edge."""
    low, high = (float(edge) for edge in np.quantile(values, [0.001, 0.999]))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _norm(counts: FloatArray) -> LogNorm:
    return LogNorm(1, max(float(counts.max()), 2))
