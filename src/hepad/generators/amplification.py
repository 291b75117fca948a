"""Amplification: whether a generator trained on N entries says more of the truth than these N entries themselves.

Space is cut into n cells that hold equal shares of the truth; the error of a sample is the squared difference of its
shares from the true ones, Σ (xⱼ − 1/n)² (Butter et al., arXiv:2008.06545). That of N entries falls as (1 − 1/n) / N;
that of M ≫ N generated entries falls with M to what the generator got wrong, and where it comes below that of its N
training entries, generated entries are worth more than N.
"""

from collections.abc import Sequence

import numpy as np

from hepad.metrics.samples import FloatArray


def quantile_cells(truth: FloatArray, n_per_axis: Sequence[int]) -> list[FloatArray]:
    """Return the edges of cells of equal shares of a truth whose axes `(N, D)` are independent: one array an axis.

    >>> import numpy as np
    >>> from hepad.generators import quantile_cells
    >>> quantile_cells(np.linspace(0, 1, 101)[:, None], [4])[0].round(2).tolist()
    [0.25, 0.5, 0.75]
    """
    return [np.quantile(truth[:, i], np.linspace(0, 1, n + 1)[1:-1]) for i, n in enumerate(n_per_axis)]


def quantile_error(sample: FloatArray, edges: Sequence[FloatArray]) -> float:
    """Return Σ (xⱼ − 1/n)² of the shares of a sample `(N, D)` in n cells of equal true shares.

    >>> import numpy as np
    >>> from hepad.generators import quantile_error
    >>> quantile_error(np.array([[0.1], [0.2], [0.3], [0.4]]), [np.array([0.5])])
    0.5
    """
    place, n_cells = np.zeros(len(sample), dtype=np.int64), 1
    for i, inner in enumerate(edges):
        place = place * (len(inner) + 1) + np.searchsorted(inner, sample[:, i], side="right")
        n_cells *= len(inner) + 1
    shares = np.bincount(place, minlength=n_cells) / len(sample)
    return float(np.square(shares - 1 / n_cells).sum())


def amplification(training_error: float, generated_error: float) -> float:
    """Return how many times more entries the training sample would need to be as good: their errors' ratio.

    The error of a sample falls as 1/N, so that a generator of half the error is worth twice its training entries.

    >>> from hepad.generators import amplification
    >>> amplification(0.02, 0.01)
    2.0
    """
    return training_error / generated_error
