"""Results of several processes, put together as if one had made them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

Key = TypeVar("Key")


def gather_interleaved(own: Mapping[Key, Tensor]) -> dict[Key, Tensor]:
    """Return the results of all processes, each `(N, …)` for N entries in all; every process must call this.

    Args:
        own: what this process found for its share of each set of entries: every n-th one, from its rank on. A process
            whose share of a set is empty may leave that set out.
    """
    shares: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(shares, dict(own))
    keys = dict.fromkeys(key for share in shares for key in share)
    return {key: interleave([share[key] for share in shares if key in share]) for key in keys}


def interleave(shares: Sequence[Tensor]) -> Tensor:
    """Return `(N, …)` entries of which share r holds those at r, r + n, r + 2n, … for n shares.

    Shares that would be empty may be missing at the end.
    """
    whole = torch.empty(sum(len(share) for share in shares), *shares[0].shape[1:], dtype=shares[0].dtype)
    for rank, share in enumerate(shares):
        whole[rank :: len(shares)] = share
    return whole
