"""The one thing a model is given."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """A batch of entries in raw units, as read from the file.

    Attributes:
        x: `(B, *entry_shape)` float32: `(B, F)` jets, `(B, S, F)` events, `(B, C, H, W)` images.
        mask: `(B, S)` bool, true where a slot holds a real jet; None where entries have no slots.
        target: what to predict instead of `x`, e.g. `(B,)` a teacher's score.
        weight: `(B,)` float32 event weights from 0, on any scale: how many entries each stands for; None where each
            stands for one.
        context: `(B, K)` float32 numbers a model may condition on.
        importance: `(B,)` float32 factors of an entry's loss, which say what should be learned well, not what there is.
    """

    x: Tensor
    mask: Tensor | None = None
    target: Tensor | None = None
    weight: Tensor | None = None
    context: Tensor | None = None
    importance: Tensor | None = None


def slot_mask(x: Tensor) -> Tensor:
    """Return which slots of `x` `(B, S, F)` hold a real object: those that are not all zero, `(B, S)` bool."""
    return (x != 0).any(dim=-1)


def take_rows(entries: Batch, rows: slice | Tensor) -> Batch:
    """Return the given rows of every field that is there."""
    return _each(entries, lambda field: field[rows])


def on_device(entries: Batch, device: torch.device) -> Batch:
    """Return the entries on a device."""
    return _each(entries, lambda field: field.to(device))


def drawn_by_weight(entries: Batch) -> Batch:
    """Return as many entries without weights, each as often as it weighs: N·w / Σw copies, rounded up or down.

    For what is no mean over entries, such as an adversarial game. Nothing is drawn at random; equal weights, and none,
    leave the entries as they are.
    """
    if entries.weight is None or not entries.weight.any():
        return entries._replace(weight=None)
    # On the CPU: a sum over a GPU's threads would not be the same twice.
    reached = entries.weight.detach().cpu().double().cumsum(0)
    wanted = (torch.arange(len(reached), dtype=torch.float64) + 0.5) / len(reached) * reached[-1]
    rows = torch.searchsorted(reached, wanted, right=True).clamp(max=len(reached) - 1)
    return take_rows(entries._replace(weight=None), rows.to(entries.x.device))


def _each(entries: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    """Apply a function to every field that is there."""
    x, *others = entries
    return Batch(change(x), *(None if field is None else change(field) for field in others))
