"""Amplification: whether a generator trained on N entries says more of the truth than these N entries themselves.

Space is cut into n cells that hold equal shares of the truth; the error of a sample is the squared difference of its
shares from the true ones, Σ (xⱼ − 1/n)² (Butter et al., arXiv:2008.06545). That of N entries falls as (1 − 1/n) / N;
that of M ≫ N generated entries falls with M to what the generator got wrong, and where it comes below that of its N
training entries, generated entries are worth more than N.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


def sampling_error(n_cells: int, n_entries: FloatArray | float) -> FloatArray | float:
    """Return what Σ (xⱼ − 1/n)² of N entries of the truth is in the mean: (1 − 1/n) / N.

    >>> from hepad.generators import sampling_error
    >>> sampling_error(4, 1000)
    0.00075
    """
    return (1 - 1 / n_cells) / n_entries


@dataclass(frozen=True, eq=False)
class AmplificationStudy:
    """Quantile errors of generators that were trained on N entries of a known density, each with other entries.

    Attributes:
        n_entries: N, all that a generator has seen.
        cells: `(C,)` numbers of cells.
        counts: `(K,)` rising numbers M of generated entries.
        training: `(S, C)` errors of the training entries of S generators.
        generated: `(S, C, K)` errors of the first M generated entries of each.

    >>> import numpy as np
    >>> from hepad.generators import AmplificationStudy, sampling_error
    >>> training = sampling_error(4, 100) * np.ones((3, 1))
    >>> generated = np.array([[[8e-3, 2e-3]], [[8e-3, 2.5e-3]], [[8e-3, 3e-3]]])
    >>> study = AmplificationStudy(100, np.array([4]), np.array([100, 10_000]), training, generated)
    >>> study.gains[0].round(2).tolist(), study.gains[1].round(2).tolist()
    ([3.0], [0.35])
    """

    n_entries: int
    cells: FloatArray
    counts: FloatArray
    training: FloatArray
    generated: FloatArray

    @property
    def gains(self) -> tuple[FloatArray, FloatArray]:
        """Amplification `(C,)` of the largest M, mean errors over each other, and its standard error over generators.

        Above, the error that N entries of the truth have in the mean stands for that of the training entries, which
        are few: it is the same without their fluctuation.
        """
        errors = self.generated[:, :, -1]
        mean = errors.mean(axis=0)
        spread = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
        gain = np.array([sampling_error(int(n), self.n_entries) for n in self.cells]) / mean
        return gain, gain * spread / mean
