"""Features in which samples of any kind of data can be compared: ranks among real entries."""

from typing import Final

import torch
from torch import Tensor

COMPONENTS: Final = 5


class RankFeatures:
    """Where an entry stands among real ones, along the directions in which those differ most.

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
