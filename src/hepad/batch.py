"""The one thing a model is given."""

from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """A batch of entries in raw units, as read from the file.

    Attributes:
        x: `(B, *entry_shape)` float32: `(B, F)` jets, `(B, S, F)` events, `(B, C, H, W)` images.
        mask: `(B, S)` bool, true where a slot holds a real jet; None where entries have no slots.
        target: what to predict instead of `x`, e.g. `(B,)` a teacher's score.
        weight: `(B,)` float32 entry weights.
        context: `(B, K)` float32 numbers a model may condition on.
    """

    x: Tensor
    mask: Tensor | None = None
    target: Tensor | None = None
    weight: Tensor | None = None
    context: Tensor | None = None


def slot_mask(x: Tensor) -> Tensor:
    """Return which slots of `x` `(B, S, F)` hold a real object: those that are not all zero, `(B, S)` bool."""
    return (x != 0).any(dim=-1)


def take_rows(entries: Batch, rows: slice | Tensor) -> Batch:
    """Return the given rows of every field that is there."""
    mask, target, weight, context = (None if field is None else field[rows] for field in entries[1:])
    return Batch(entries.x[rows], mask, target, weight, context)


def on_device(entries: Batch, device: torch.device) -> Batch:
    """Return the entries on a device."""
    mask, target, weight, context = (None if field is None else field.to(device) for field in entries[1:])
    return Batch(entries.x.to(device), mask, target, weight, context)
