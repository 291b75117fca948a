"""Number of entries that fit into a block."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

CPU_BLOCK_BYTES: Final = 40 * 2**20
CPU_BLOCK_COPIES: Final = 384
"""Size of a block on a CPU: bytes, and restarts of all of its entries, whichever is less (docs/performance.md).

A larger one leaves the last cache, a smaller one is not worth the time that each operation takes to begin. Not asked
of the system: a virtual machine often tells the cache of the whole host. And not by the number of threads: a search
that is continued with another number of them would be rounded in other places.
"""


def bytes_per_copy(network: nn.Module, weights: Mapping[str, Tensor], code: Tensor, adam: bool) -> int:
    """Return what one restart of one entry takes: weights, gradients, Adam's two moments, and activations.

    Args:
        network: a frozen network.
        weights: those that are copied; empty where only the code moves.
        code: `(1, *latent_shape)` any code.
        adam: two moments are kept for every number that moves.
    """
    kept: dict[int, int] = {}

    def keep(saved: Tensor) -> Tensor:
        kept[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes()
        return saved

    fixed = {weight.untyped_storage().data_ptr() for weight in (*network.parameters(), *network.buffers())}
    start = code.detach().clone().requires_grad_()
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        entry = network(start)
    # Each activation has a gradient of its size; the entry is there twice, as made and as wanted.
    activations = 2 * sum(size for pointer, size in kept.items() if pointer not in fixed)
    entry_bytes = 4 * entry.numel() * entry.element_size()
    moving = sum(weight.numel() * weight.element_size() for weight in weights.values())
    moving += code.numel() * code.element_size()
    total: int = activations + entry_bytes + moving * (4 if adam else 2)
    return total
