"""Entries that a model makes up, block by block: the same ones whoever asks, for the same number and seed."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import JobError, UserError
from hepad.models import AnomalyModel, Generative

_BLOCK: Final = 4096
_NUMBERS: Final = 1 << 23
"""Of all entries of a block; a convolution makes some ten times as many of them."""


def check_generative(model: AnomalyModel, run_dir: Path) -> None:
    """Raise `UserError` for a model that makes nothing up."""
    if not isinstance(model, Generative):
        raise UserError(
            f"{run_dir} cannot generate: {type(model).__name__} makes no entries up; runs of models such as gan, bigan "
            "and vae can"
        )


def made_up_blocks(
    model: AnomalyModel, n: int, context: NDArray[np.float32] | None, generator: torch.Generator
) -> Iterator[Batch]:
    """Yield `n` entries in blocks, whose size depends on the entries alone.

    Args:
        model: one that makes entries up (`check_generative`).
        n: how many.
        context: `(n, K)` observables that the model is conditioned on, one row for each entry; None for none.
        generator: the random numbers.

    Raises:
        JobError: an entry is not finite.
    """
    assert isinstance(model, Generative)
    # Fewer of large entries; the random numbers of each depend on it.
    size = max(1, min(_BLOCK, _NUMBERS // math.prod(model.entry_shape)))
    for start in range(0, n, size):
        stop = min(start + size, n)
        made = model.sample(stop - start if context is None else torch.from_numpy(context[start:stop]), generator)
        finite = torch.isfinite(made.x).flatten(1).all(dim=1).numpy()
        if not finite.all():
            raise JobError(
                f"entry {start + int(np.argmin(finite))} that {type(model).__name__} makes up holds NaN or inf: "
                "its training diverged, or model.normalizer=log blows up what lies far from the training entries"
            )
        yield made
