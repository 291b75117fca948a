"""Sampling from generative models without a context: number of entries, mode, random numbers."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from hepad.core.errors import UserError
from hepad.core.float32 import exact_float32
from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.float_resolution import computed_in, weight_dtype


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
    if model.normalizer.kind == "layer":
        raise UserError(
            f"{type(model).__name__} with model.normalizer=layer takes mean and spread from each real entry and makes "
            "up none without; train it with another normalizer, such as standard"
        )
    return n


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
    """Whether something from a file is a list of so many finite numbers from 0, not all of them 0."""
    if not isinstance(counts, list) or len(counts) != n_bins:
        return False
    numbers = all(isinstance(count, int | float) and 0 <= count < math.inf for count in counts)
    return numbers and 0 < sum(counts) < math.inf
