"""The one thing a model is given."""

from typing import NamedTuple

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
