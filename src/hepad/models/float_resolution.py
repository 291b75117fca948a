"""The precision in which a model was trained, used again wherever it scores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError

FLOAT32: Final = "32-true"

_WEIGHTS: Final = {"64-true": torch.float64, "16-true": torch.float16, "bf16-true": torch.bfloat16}
_AUTOCAST: Final = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
PRECISIONS: Final = (FLOAT32, *_WEIGHTS, *_AUTOCAST)
"""As Lightning's trainer calls them."""


def known_precision(precision: Any) -> str:
    """Return a precision that a checkpoint names; raise `UserError` for anything else."""
    if precision not in PRECISIONS:
        raise UserError(f"the checkpoint names a precision that is none; allowed: {', '.join(PRECISIONS)}")
    return str(precision)


def weight_dtype(precision: str) -> torch.dtype:
    """Return the type of the weights: that of `…-true`, float32 where only layers are computed in another."""
    return _WEIGHTS.get(precision, torch.float32)


def in_precision(batch: Batch, precision: str) -> Batch:
    """Return the batch with its entries in the type of the weights."""
    return batch._replace(x=batch.x.to(weight_dtype(precision))) if precision in _WEIGHTS else batch


def at_least_float32(values: Tensor) -> Tensor:
    """Return numbers as float32 where they are in half precision, for whoever counts, writes or draws them."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@contextmanager
def computed_in(precision: str, device: str) -> Iterator[None]:
    """Compute a block as Lightning's trainer does in this precision.

    Args:
        precision: one of `PRECISIONS`.
        device: type of the device, such as `cpu`.
    """
    if precision in _AUTOCAST:
        with torch.autocast(device, dtype=_AUTOCAST[precision]):
            yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(weight_dtype(precision))
    try:
        yield
    finally:
        torch.set_default_dtype(before)
