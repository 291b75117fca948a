"""A threshold chosen on some background entries and checked on others: binomial intervals, and their agreement."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, betaln, gammaln

from hepad.metrics.samples import FloatArray, as_scores, as_weights, effective_entries
from hepad.metrics.working_points import cut_at_fpr, trusted_cut

LEVEL: Final = math.erf(math.sqrt(0.5))
"""Coverage of intervals: one standard deviation, 68.3%."""


@dataclass(frozen=True)
class Share:
    """The share of some entries beyond a threshold, with its binomial interval.

    Attributes:
        entries: how many there are; of weighted ones, how many they are worth.
        beyond: how many of these lie beyond, on the same scale.
        value: the share.
        low, high: Clopper and Pearson's 68.3% interval of the share.

    >>> from hepad.metrics import share_beyond
    >>> share = share_beyond([1.0, 2.0, 3.0, 4.0], 3.5)
    >>> share.beyond, share.value, share.low < 0.25 < share.high
    (1.0, 0.25, True)
    """

    entries: float
    beyond: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Cut:
    """A threshold for a false-positive rate.

    Attributes:
        threshold: `score > threshold` is accepted.
        low, high: the thresholds at the ends of the binomial interval of what lies beyond.
        share: the background beyond, among the entries that the threshold was chosen on.

    >>> import numpy as np
    >>> from hepad.metrics import choose_cut
    >>> cut = choose_cut(np.arange(500), 0.1)
    >>> cut.threshold, cut.share.beyond
    (449.0, 50.0)
    """

    threshold: float
    low: float
    high: float
    share: Share


def binomial_interval(beyond: float, entries: float, level: float = LEVEL) -> tuple[float, float]:
    """The central interval of a share of which `beyond` of `entries` were seen (Clopper & Pearson, 1934).

    Neither number need be whole: weighted entries count as what they are worth.

    >>> from hepad.metrics import binomial_interval
    >>> low, high = binomial_interval(10, 1000)
    >>> f"{low:.4f} {high:.4f}"
    '0.0069 0.0142'
    """
    tail = (1 - level) / 2
    low = 0.0 if beyond <= 0 else float(betaincinv(beyond, entries - beyond + 1, tail))
    high = 1.0 if beyond >= entries else float(betaincinv(beyond + 1, entries - beyond, 1 - tail))
    return low, high


def share_beyond(scores: ArrayLike, threshold: float, weight: ArrayLike | None = None) -> Share:
    """The share of entries with `score > threshold`.

    >>> from hepad.metrics import share_beyond
    >>> share_beyond([1.0, 2.0, 3.0, 4.0], 2.5).value
    0.5
    """
    s = as_scores(scores)
    w = as_weights(weight, s.size, "entries")
    beyond = s > threshold
    value = float(np.count_nonzero(beyond) / s.size if w is None else w[beyond].sum() / w.sum())
    entries = float(s.size if w is None else effective_entries(w))
    return Share(entries, entries * value, value, *binomial_interval(entries * value, entries))


def choose_cut(background: ArrayLike, fpr: float, weight: ArrayLike | None = None) -> Cut | None:
    """The lowest threshold that lets at most `fpr` of the background through, as `tpr_at_fpr` cuts.

    Args:
        background: (N,) scores that the threshold is chosen on, of entries that did not train.
        fpr: the wanted share, in (0, 1].
        weight: (N,) weights; None where every entry counts once.

    Returns:
        The cut; None where fewer than 10 entries, or weighted ones worth as many, lie beyond it.

    >>> import numpy as np
    >>> from hepad.metrics import choose_cut
    >>> cut = choose_cut(np.arange(1000), 0.02)
    >>> cut.threshold, cut.share.value, cut.low < cut.threshold < cut.high
    (979.0, 0.02, True)
    >>> choose_cut(np.arange(1000), 0.001) is None
    True
    """
    b = as_scores(background, "background scores")
    w = as_weights(weight, b.size, "background entries")
    threshold = trusted_cut(b, fpr, w)
    if threshold is None:
        return None
    share = share_beyond(b, threshold, w)
    return Cut(threshold, cut_at_fpr(b, min(share.high, 1.0), w), cut_at_fpr(b, share.low, w), share)


def agreement_p_value(chosen: Share, tested: Share) -> float:
    """The p-value of as many tested entries beyond a threshold that was chosen on others, where both are alike.

    The background beyond a threshold that leaves k of n entries is itself known only as Beta(k + 1, n − k), so that k′
    of n′ other entries follow the beta-binomial distribution. Two-sided; weighted entries count as what they are worth.

    >>> from hepad.metrics import agreement_p_value, share_beyond
    >>> import numpy as np
    >>> chosen, tested = np.arange(1000), np.arange(0, 1000, 2)
    >>> agreement_p_value(share_beyond(chosen, 979), share_beyond(tested, 979)) > 0.9
    True
    >>> agreement_p_value(share_beyond(chosen, 979), share_beyond(tested, 899)) < 1e-6
    True
    """
    a, b = chosen.beyond + 1, max(chosen.entries - chosen.beyond, 1e-9)
    n, seen = round(tested.entries), round(tested.beyond)
    k: FloatArray = np.arange(n + 1, dtype=np.float64)
    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(k + a, n - k + b) - betaln(a, b)
    chance = np.exp(log)
    return float(min(1.0, 2 * min(chance[: seen + 1].sum(), chance[seen:].sum())))
