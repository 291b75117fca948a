"""Entries that a model makes up, block by block: the same ones whoever asks, for the same number and seed.

A block that is kept as a part has the state of the random numbers after it, so that whoever finds it goes on as if it
had been made a moment ago.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import JobError, UserError
from hepad.formats.applying import Made
from hepad.formats.parts import Parts, read_part, write_part
from hepad.models import AnomalyModel, Generative

_BLOCK: Final = 4096
_NUMBERS: Final = 1 << 23
"""Of all entries of a block; a convolution makes some ten times as many of them."""
_ENTRIES, _MASK, _STATE = "x", "mask", "generator"


def check_generative(model: AnomalyModel, run_dir: Path) -> None:
    """Raise `UserError` for a model that makes nothing up."""
    if not isinstance(model, Generative):
        raise UserError(
            f"{run_dir} cannot generate: {type(model).__name__} makes no entries up; runs of models such as gan, bigan "
            "and vae can"
        )


def block_size(model: AnomalyModel) -> int:
    """Return how many entries are made up at once: fewer of large ones; the random numbers of each depend on it."""
    return max(1, min(_BLOCK, _NUMBERS // math.prod(model.entry_shape)))


def made_up_blocks(
    model: AnomalyModel,
    n: int,
    context: NDArray[np.float32] | None,
    generator: torch.Generator,
    parts: Parts | None = None,
) -> Iterator[Batch]:
    """Yield `n` entries in blocks, whose size depends on the entries alone.

    Args:
        model: one that makes entries up (`check_generative`).
        n: how many.
        context: `(n, K)` observables that the model is conditioned on, one row for each entry; None for none.
        generator: the random numbers.
        parts: where blocks are kept, and those of an earlier command are found; None to keep none.

    Raises:
        JobError: an entry is not finite.
        OSError: a part cannot be written.
    """
    assert isinstance(model, Generative)
    size = block_size(model)
    for start in range(0, n, size):
        stop = min(start + size, n)
        path = None if parts is None or n <= size else parts.path(start // size)
        found = None if path is None else _found(path, (stop - start, *model.entry_shape), generator)
        if found is not None:
            yield found
            continue
        made = model.sample(stop - start if context is None else torch.from_numpy(context[start:stop]), generator)
        finite = torch.isfinite(made.x).flatten(1).all(dim=1).numpy()
        if not finite.all():
            raise JobError(
                f"entry {start + int(np.argmin(finite))} that {type(model).__name__} makes up holds NaN or inf: "
                "its training diverged, or model.normalizer=log blows up what lies far from the training entries"
            )
        if path is not None:
            mask = {} if made.mask is None else {_MASK: made.mask.numpy()}
            write_part(path, Made({_ENTRIES: made.x.numpy(), **mask, _STATE: generator.get_state().numpy()}, {}))
        yield made


def _found(path: Path, shape: tuple[int, ...], generator: torch.Generator) -> Batch | None:
    """Return a block that an earlier command made, the generator as it was then; None where it is not there whole."""
    part = read_part(path)
    if part is None or part.arrays.get(_ENTRIES, np.empty(0)).shape != shape or _STATE not in part.arrays:
        return None
    try:
        generator.set_state(torch.from_numpy(part.arrays[_STATE]))
    except (RuntimeError, TypeError):
        return None
    mask = part.arrays.get(_MASK)
    return Batch(torch.from_numpy(part.arrays[_ENTRIES]), None if mask is None else torch.from_numpy(mask))
