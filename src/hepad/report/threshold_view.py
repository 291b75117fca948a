"""Scores and ROC curves with a movable threshold, as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SampleLine:
    """One sample: its histogram, and what each threshold accepts of it.

    Attributes:
        name: of the sample.
        color: of its lines on white, `#rrggbb`.
        dash: pattern of its lines as SVG writes it; empty for none.
        entries: how many there are; of weighted ones, how many they are worth.
        shares: (B,) share of the entries, or of their weight, in each bin.
        accepted: (T,) share with a score of each threshold or more.
        selected: (T,) how many entries that are, of weighted ones how many they are worth.
        background: trained on.

    >>> import numpy as np
    >>> from hepad.report import SampleLine
    >>> accepted = np.array([1.0, 0.2])
    >>> line = SampleLine("qcd", "#717581", "", 100.0, np.array([0.8, 0.2]), accepted, 100 * accepted)
    >>> line.selected.tolist()
    [100.0, 20.0]
    """

    name: str
    color: str
    dash: str
    entries: float
    shares: FloatArray
    accepted: FloatArray
    selected: FloatArray
    background: bool = False


@dataclass(frozen=True, eq=False)
class RocLines:
    """ROC curves against one reference, thinned for drawing.

    Attributes:
        reference: the sample on the background side.
        entries: how many it has.
        curves: (signal, (P,) false-positive rate, (P,) true-positive rate).
        trivial: (signal, trivial score, (P,) false-positive rate, (P,) true-positive rate).

    >>> import numpy as np
    >>> from hepad.report import RocLines
    >>> fpr = np.array([0.0, 0.1, 1.0])
    >>> lines = RocLines("qcd", 100.0, [("top", fpr, fpr**0.5)])
    >>> [signal for signal, _, _ in lines.curves]
    ['top']
    """

    reference: str
    entries: float
    curves: Sequence[tuple[str, FloatArray, FloatArray]]
    trivial: Sequence[tuple[str, str, FloatArray, FloatArray]] = ()


@dataclass(frozen=True, eq=False)
class ThresholdView:
    """Content of the histogram and the ROC curves over which a reader moves a threshold.

    Attributes:
        edges: (B + 1,) edges of the bins; the first and the last bin are open.
        log: bins are equal in the logarithm.
        zeros: scores of exactly 0 have a bin of their own, the first of `shares`, before `edges`.
        thresholds: (T,) rising scores.
        start: which of them is shown first.
        samples: the samples.
        rocs: one for each reference, the first one is shown first.
        weighted: entries have weights, so that numbers of entries are what they are worth.

    >>> import numpy as np
    >>> from hepad.report import Report, SampleLine, ThresholdView, render_report
    >>> shares, accepted = np.array([0.8, 0.2]), np.array([1.0, 0.2])
    >>> line = SampleLine("qcd", "#717581", "", 100.0, shares, accepted, 100 * accepted)
    >>> view = ThresholdView(np.array([0.0, 1.0, 2.0]), False, False, np.array([0.0, 1.0]), 1, [line], [])
    >>> '<input type="range"' in render_report(Report("dense_ae on jets", thresholds=view))
    True
    """

    edges: FloatArray
    log: bool
    zeros: bool
    thresholds: FloatArray
    start: int
    samples: Sequence[SampleLine]
    rocs: Sequence[RocLines]
    weighted: bool = False
