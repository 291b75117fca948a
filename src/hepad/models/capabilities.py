"""Capabilities of models beside scoring. Pipelines and reports ask `isinstance(model, Generative)`, not for a class.

A model has a capability as soon as it has the methods; there is nothing to inherit. What is promised here
`tests/unit/models/test_capabilities.py` asks of every model that has them.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.float32 import computed_in, exact_float32, weight_dtype
from hepad.models.base import AnomalyModel, eval_mode
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


@runtime_checkable
class Explaining(Protocol):
    """A model whose score may be a sum over the numbers of an entry.

    >>> from hepad.models import DeepSVDD, DenseAutoencoder, Explaining
    >>> isinstance(DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}), Explaining)
    True
    >>> isinstance(DeepSVDD((17,)), Explaining)
    False
    """

    def contributions(self, batch: Batch) -> Tensor | None:
        """Return the terms that sum to the score, of the shape of `batch.x`; None where the settings leave none.

        Computed in eval mode; slots that do not count have 0.
        """


@runtime_checkable
class ExplainedFrom(Protocol):
    """A model whose score less that of another entry is a sum over the numbers of an entry.

    >>> from hepad.models import Trees
    >>> from hepad.models.capabilities import ExplainedFrom
    >>> isinstance(Trees((17,)), ExplainedFrom)
    True
    """

    def contributions_from(self, batch: Batch, baseline: Tensor) -> Tensor:
        """Return Shapley values that sum to the score less that of `baseline`, both of the shape of `batch.x`."""


def entries_to_sample(model: AnomalyModel, n: int | Tensor) -> int:
    """Return how many entries a model that is conditioned on nothing is to make up.

    Raises:
        ValueError: a context, or fewer than one entry.
        UserError: the normaliser `layer`, whose way back needs a real entry.
    """
    if isinstance(n, Tensor):
        raise ValueError(f"{type(model).__name__} is conditioned on nothing; give the number of entries, no context")
    if n < 1:
        raise ValueError(f"{n} entries; at least 1 is needed")
    _check_normalizer(model)
    return n


def _check_normalizer(model: AnomalyModel) -> None:
    if model.normalizer.kind == "layer":
        raise UserError(
            f"{type(model).__name__} with model.normalizer=layer takes mean and spread from each real entry and makes "
            "up none without; train it with another normalizer, such as standard"
        )


def conditions_to_sample(model: AnomalyModel, n: int | Tensor, context_size: int) -> Batch:
    """Return a batch of as many entries as a model is to make up, with the context, where the model is, if it has one.

    Raises:
        ValueError: a number for a model with a context, a context of another size or for a model without one, or fewer
            than one entry.
        UserError: the normaliser `layer`, whose way back needs a real entry.
    """
    if not context_size:
        return Batch(torch.zeros(entries_to_sample(model, n), 1))
    if not isinstance(n, Tensor) or n.ndim != 2 or n.shape[1] != context_size or not len(n):
        raise ValueError(
            f"{type(model).__name__} is conditioned on {context_size} observables; give a context "
            f"(N, {context_size}), one row for each entry"
        )
    _check_normalizer(model)
    return Batch(n, context=n.to(model.device))


@contextmanager
def sampling(model: AnomalyModel) -> Iterator[None]:
    """Compute a block as scores are computed: in eval mode, in the precision of the training, without TF32."""
    with torch.no_grad(), eval_mode(model), exact_float32(), computed_in(model.precision, model.device.type):
        yield


def draw_normal(shape: Sequence[int], generator: torch.Generator, model: AnomalyModel) -> Tensor:
    """Return draws of N(0, 1), the same ones on every device of the model."""
    drawn = torch.randn(tuple(shape), generator=generator, device=generator.device, dtype=torch.float32)
    return drawn.to(model.device, weight_dtype(model.precision))


def filled_slots(n: int, counts: Sequence[float] | None, generator: torch.Generator) -> Tensor:
    """Return masks `(n, S)` of events whose first slots are filled, as many as often as `counts` says.

    Args:
        n: how many events.
        counts: `S + 1` numbers of events that fill 0, 1, … slots; None where nobody counted.
        generator: the random numbers.

    Raises:
        UserError: nobody counted.
    """
    if counts is None:
        raise UserError(
            "the run's checkpoint is of an older hepad and does not say how many slots its training events fill; train "
            "it again to generate events"
        )
    reached = torch.tensor(counts, dtype=torch.float64).cumsum(0)
    drawn = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64).cpu() * reached[-1]
    filled = torch.searchsorted(reached, drawn, right=True)
    return torch.arange(len(counts) - 1) < filled.unsqueeze(1)


def is_histogram(counts: Any, n_bins: int) -> bool:
    """Return whether something from a file is a list of so many finite numbers from 0, not all of them 0."""
    if not isinstance(counts, list) or len(counts) != n_bins:
        return False
    numbers = all(isinstance(count, int | float) and 0 <= count < math.inf for count in counts)
    return numbers and 0 < sum(counts) < math.inf
