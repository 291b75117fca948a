"""A slow copy of a network that is being trained."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class MovingAverage(nn.Module, Generic[Network]):
    """An exponential moving average of a network's parameters: θ̄ ← d·θ̄ + (1 − d)·θ, with its buffers copied.

    Generators swing around their goal; their average does not (Yazıcı et al., arXiv:1806.04498). Buffers are no
    parameters: the singular vectors that spectral normalisation keeps, or the number of batches a normalisation has
    seen, mean nothing when averaged, and an averaged vector blows the normalised weight up. The first updates count
    more, d = min(decay, (1 + t) / (10 + t)), so that the random weights of the start are soon forgotten.

    Args:
        network: the network to follow; a copy of it is made.
        decay: d, at least 0 and below 1; 0 copies.

    Attributes:
        network: the average.

    Raises:
        ValueError: another decay.
    """

    network: Network
    updates: Tensor

    def __init__(self, network: Network, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"ema={decay}; a decay of at least 0 and below 1 is needed")
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take one step towards `network`, of the same architecture."""
        # Computed where the weights are: one of the host would wait for the GPU, and be a constant of a recording.
        n = self.updates.to(torch.float32 if self.updates.device.type == "mps" else torch.float64)
        step = 1 - ((1 + n) / (10 + n)).clamp(max=self.decay)
        for slow, fast in zip(self.network.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, step.to(slow.dtype))
        for kept, current in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(current)
        self.updates += 1
