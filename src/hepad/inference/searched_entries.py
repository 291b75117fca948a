"""Number of tested entries that a latent search takes, so that by default it ends within minutes."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from hepad.data import AnomalyDataModule
from hepad.inference.search_settings import SearchSettings
from hepad.models.base import eval_mode
from hepad.nn import LatentNetwork

SECONDS: Final = 100.0
"""Seconds that a search by default may take, by the rates below; two idle cores need less, two busy ones twice."""

_OPERATIONS: Final = 20e9
_BYTES: Final = 10e9
_BYTES_PER_WEIGHT: Final = 40
_FEWEST: Final = 100


def seconds_per_entry(network: LatentNetwork, settings: SearchSettings) -> float:
    """Return about how long two busy cores search for one entry.

    Counted, not measured, so that the same command always searches the same entries: the network's operations, 20
    GFLOP/s, and where weights move the memory they pass through, 40 bytes per weight, copy and step, 10 GB/s
    (docs/performance.md).

    Args:
        network: from codes to entries.
        settings: of the search.
    """
    parameter = next(network.network.parameters(), torch.zeros(()))
    code = torch.zeros(1, *network.latent_shape, device=parameter.device, dtype=parameter.dtype)
    # In eval mode: a batch norm would take one code for a batch, and remember it.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), eval_mode(network.network):
        network.network(code)
    passes = settings.n_seed * (settings.steps + 1)
    moved = sum(weights.numel() for weights in network.network.parameters()) if settings.gamma_theta else 0
    # Backwards there are two products for each forwards.
    return passes * float(3 * counter.get_total_flops() / _OPERATIONS + _BYTES_PER_WEIGHT * moved / _BYTES)


def entries_per_sample(sizes: Mapping[str, int], seconds: float) -> int | None:
    """Return how many entries of each sample can be searched in `SECONDS`; None where all can.

    Small samples leave their share to the larger ones.

    Args:
        sizes: sample → tested entries.
        seconds: for one entry.

    >>> from hepad.inference.searched_entries import entries_per_sample
    >>> entries_per_sample({"zero_bias": 10_000, "ttbar": 10_000, "rare": 200}, seconds=0.05)
    900
    >>> print(entries_per_sample({"zero_bias": 10_000}, seconds=0.01))
    None
    """
    budget = SECONDS / max(seconds, 1e-12)
    left = sorted(sizes.values())
    while left and budget / len(left) >= left[0]:
        budget -= left.pop(0)
    return max(_FEWEST, int(budget / len(left))) if left else None


def limit_tested(data: AnomalyDataModule, most: int) -> str:
    """Test at most so many entries of each sample, evenly spread over all; return a line on what that leaves out."""
    said = []
    for sample in data.files:
        entries = data.tested(sample)
        if len(entries) > most:
            data.set_tested(sample, entries.rows(np.linspace(0, len(entries) - 1, most).round().astype(np.int64)))
            said.append(f"{most:,} of {len(entries):,} of {sample}")
    return f"a latent search of some of the tested entries: {', '.join(said)}" if said else ""
