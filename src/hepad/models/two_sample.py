"""Difference of a generated sample from a real one, by distances between entries in ranks of features."""

from typing import Final, NamedTuple

import torch
from torch import Tensor


class Distances(NamedTuple):
    """Euclidean distances between the entries of two samples.

    Attributes:
        real: `(N, N)` among real entries.
        generated: `(M, M)` among generated ones.
        between: `(N, M)` from each real entry to each generated one.
    """

    real: Tensor
    generated: Tensor
    between: Tensor


def distances(real: Tensor, generated: Tensor) -> Distances:
    """Return all distances between flat entries `(N, D)` and `(M, D)`."""
    # The matrix-multiplication shortcut would give equal entries a distance far from 0.
    mode = "donot_use_mm_for_euclid_dist"
    return Distances(
        torch.cdist(real, real, compute_mode=mode),
        torch.cdist(generated, generated, compute_mode=mode),
        torch.cdist(real, generated, compute_mode=mode),
    )


def energy_distance(found: Distances) -> Tensor:
    """Return 2·E‖x − g‖ − E‖x − x′‖ − E‖g − g′‖ `()`: 0 for equal samples, and positive for different ones.

    Székely and Rizzo, J. Stat. Plan. Inference 143 (2013) 1249. Means are over all pairs, an entry with itself
    included; so two samples of N entries of the same distribution give about 2·E‖x − x′‖ / N, not 0.
    """
    return 2 * found.between.mean() - found.real.mean() - found.generated.mean()


def pairwise_ratio(found: Distances) -> Tensor:
    """Return E‖g − g′‖ / E‖x − x′‖ over pairs of different entries `()`; 0 where all generated entries are one."""
    means = [pairs.sum() / (len(pairs) * max(len(pairs) - 1, 1)) for pairs in (found.generated, found.real)]
    return means[0] / means[1].clamp(min=torch.finfo(means[1].dtype).tiny)


def coverage(found: Distances, neighbours: int = 5) -> Tensor:
    """Return the share of real entries that have a generated one nearer than their k-th real neighbour `()`.

    Naeem et al., arXiv:2002.09797, who use k = 5. For two samples of N entries of the same distribution it is
    1 − (N − 1)…(N − k) / ((2N − 1)…(2N − k)), about 1 − 2^−k = 0.97.

    Args:
        found: distances; of at least two real entries.
        neighbours: k, cut down to what there are.
    """
    k = min(neighbours, len(found.real) - 1)
    # The nearest entry is the entry itself.
    radius = found.real.topk(k + 1, dim=1, largest=False).values[:, -1]
    return (found.between.min(dim=1).values <= radius).to(found.real.dtype).mean()


COMPONENTS: Final = 5


class RankFeatures:
    """Ranks of an entry among real ones, along the directions in which those differ most.

    Each feature becomes its mid-rank: the share of real entries below it, and half of those that are equal. A value
    that no real entry has takes the rank of the nearest one that occurs: a smooth generator near −1 or near 3 is right
    where a tagger says −1 and a count 3. So neither tails nor ties decide about distances.

    Of the ranks, the first few principal components are kept. Among hundreds of features that hardly depend on each
    other, as the pixels of an image, all distances are alike, and whatever is narrower than the data is the nearest
    neighbour of nearly all entries (Radovanović et al., JMLR 11 (2010) 2487); in few directions it leaves the outer
    ones alone.

    Args:
        real: `(N, F)` real entries.
        components: how many directions, cut down to what there are.
    """

    def __init__(self, real: Tensor, components: int = COMPONENTS) -> None:
        self._sorted = real.T.sort(dim=1).values.contiguous()
        ranks = self._ranks(real)
        self._mean = ranks.mean(dim=0)
        self._directions = torch.linalg.svd(ranks - self._mean, full_matrices=False).Vh[:components]

    def __call__(self, x: Tensor) -> Tensor:
        """Return `(M, components)` features of entries `(M, F)`."""
        features: Tensor = (self._ranks(x) - self._mean) @ self._directions.T
        return features

    def _ranks(self, x: Tensor) -> Tensor:
        values = x.T.contiguous()
        above = torch.searchsorted(self._sorted, values).clamp(max=self._sorted.shape[1] - 1)
        upper, lower = (self._sorted.gather(1, i) for i in (above, (above - 1).clamp(min=0)))
        nearest = torch.where(upper - values < values - lower, upper, lower)
        sides = [torch.searchsorted(self._sorted, nearest, right=right) for right in (False, True)]
        ranks: Tensor = (sides[0] + sides[1]).T.to(x.dtype) / (2 * self._sorted.shape[1])
        return ranks
