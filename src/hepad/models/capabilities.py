"""Capabilities of models beside scoring. Pipelines and reports ask `isinstance(model, Generative)`, not for a class.

A model has a capability as soon as it has the methods; there is nothing to inherit. What is promised here
`tests/unit/models/test_capabilities.py` asks of every model that has them.
"""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.nn import LatentNetwork


@runtime_checkable
class Density(Protocol):
    """A model that knows how likely entries are.

    >>> from hepad.models import DenseAutoencoder, Density
    >>> isinstance(DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}), Density)
    False
    """

    def log_prob(self, batch: Batch) -> Tensor:
        """Return ln p(x), `(B,)`, with p the density of entries in raw units: its integral over x is 1.

        Where the model is conditioned on `batch.context`, ln p(x | context). Computed in eval mode.
        """


@runtime_checkable
class Generative(Protocol):
    """A model that makes entries up.

    >>> from hepad.models import Generative, VariationalAutoencoder
    >>> isinstance(VariationalAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}), Generative)
    True
    """

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return made-up entries in raw units as float32 on the CPU, for sets with the mask of the filled slots.

        Computed in eval mode. The same state of `generator` gives the same entries, and nothing else is drawn from.

        Args:
            n: how many entries, or, where the model is conditioned on observables, `(N, K)` these, for one entry each.
            generator: the random numbers, on any device.

        Raises:
            ValueError: a context for a model that is conditioned on nothing, or fewer than one entry.
            UserError: settings with which the model cannot make entries up.
        """


@runtime_checkable
class Searchable(Protocol):
    """A model whose codes a latent search can go through (`hepad.inference`).

    >>> from hepad.models import GAN, Searchable
    >>> isinstance(GAN((17,), loss={"_target_": "hepad.losses.Hinge"}), Searchable)
    True
    """

    def latent_network(self) -> LatentNetwork:
        """Return its generator or decoder, from codes to normalised entries."""

    def latent_target(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return what the network's output is compared with: normalised entries, and the slots `(B, S)` that count.

        None for all slots.
        """

    def encode_batch(self, batch: Batch) -> Tensor | None:
        """Return the codes `(B, *latent_shape)` at which a search may start; None without an encoder."""


@runtime_checkable
class Reconstructing(Protocol):
    """A model that gives back what it understood of an entry.

    >>> from hepad.models import DenseAutoencoder, Reconstructing
    >>> isinstance(DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}), Reconstructing)
    True
    """

    def reconstruct_raw(self, batch: Batch) -> Tensor:
        """Return the reconstructions in raw units, of the shape of `batch.x`; each depends on its own entry alone."""
