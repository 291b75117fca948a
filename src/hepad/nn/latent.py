"""The network that a latent search needs of a model: from codes to entries."""

from typing import NamedTuple

from torch import nn


class LatentNetwork(NamedTuple):
    """A generator or a decoder.

    Attributes:
        network: maps codes `(B, *latent_shape)` to normalised entries `(B, *entry_shape)`; in eval mode every entry
            depends on its own code alone. It must work under `torch.func.functional_call` and `vmap`.
        latent_shape: shape of one code.
        unit_normal_prior: whether codes are drawn from N(0, 1); False where the model promises no distribution of its
            codes, as a plain autoencoder.

    >>> import torch
    >>> from hepad.nn import LatentNetwork
    >>> found = LatentNetwork(torch.nn.Linear(8, 17), latent_shape=(8,), unit_normal_prior=True)
    >>> found.network(torch.randn(4, *found.latent_shape)).shape
    torch.Size([4, 17])
    """

    network: nn.Module
    latent_shape: tuple[int, ...]
    unit_normal_prior: bool
