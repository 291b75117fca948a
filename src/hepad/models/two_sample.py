"""Difference of a generated sample from a real one, by distances between entries."""

from typing import NamedTuple

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
