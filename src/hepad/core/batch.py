"""The one thing a model is given."""

from collections.abc import Callable, Sequence
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
        context: `(B, K)` float32 observables that a model is conditioned on, in raw units (`data.context`).
        importance: `(B,)` float32 factors of an entry's loss, which say what should be learned well, not what there is.
        label: `(B,)` int64 class of the role that an entry has in training (`data.train`), never the truth; None where
            roles have no labels.
        protected: `(B,)` float32 the observable that scores should not follow (`decorrelate.variable`), in raw units.

    >>> import torch
    >>> from hepad.data import Batch
    >>> batch = Batch(torch.zeros(4, 8, 17), weight=torch.ones(4))
    >>> batch.x.shape, batch.mask is None, batch.weight.sum()
    (torch.Size([4, 8, 17]), True, tensor(4.))
    """

    x: Tensor
    mask: Tensor | None = None
    target: Tensor | None = None
    weight: Tensor | None = None
    context: Tensor | None = None
    importance: Tensor | None = None
    label: Tensor | None = None
    protected: Tensor | None = None


def take_rows(entries: Batch, rows: slice | Tensor) -> Batch:
    """Return the given rows of every field that is there.

    >>> import torch
    >>> from hepad.core.batch import Batch, take_rows
    >>> entries = Batch(torch.tensor([[1.0], [2.0], [3.0]]), weight=torch.tensor([1.0, 0.5, 2.0]))
    >>> taken = take_rows(entries, torch.tensor([2, 0]))
    >>> taken.x.flatten(), taken.weight
    (tensor([3., 1.]), tensor([2., 1.]))
    """
    if isinstance(rows, Tensor) and rows.dtype == torch.int64:
        # The same as indexing, without what that does for any number of axes.
        return _each(entries, lambda field: field.index_select(0, rows))
    return _each(entries, lambda field: field[rows])


def join_batches(batches: Sequence[Batch]) -> Batch:
    """Return the entries of several batches one after the other.

    A field is there where all have it. Where only some have weights, the entries of the others weigh 1.

    >>> import torch
    >>> from hepad.core.batch import Batch, join_batches
    >>> joined = join_batches([Batch(torch.zeros(2, 3), weight=torch.full((2,), 0.5)), Batch(torch.ones(1, 3))])
    >>> joined.x.shape, joined.weight
    (torch.Size([3, 3]), tensor([0.5000, 0.5000, 1.0000]))
    """
    if any(batch.weight is not None for batch in batches):
        batches = [
            batch if batch.weight is not None else batch._replace(weight=torch.ones(len(batch.x))) for batch in batches
        ]
    x, *others = (
        None if any(part is None for part in field) else torch.cat(field) for field in zip(*batches, strict=True)
    )
    assert x is not None
    return Batch(x, *others)


def on_device(entries: Batch, device: torch.device, non_blocking: bool = False) -> Batch:
    """Return the entries on a device; with `non_blocking` from pinned memory, without waiting for it.

    >>> import torch
    >>> from hepad.core.batch import Batch, on_device
    >>> moved = on_device(Batch(torch.zeros(4, 17), weight=torch.ones(4)), torch.device("cpu"))
    >>> moved.x.device, moved.weight.device
    (device(type='cpu'), device(type='cpu'))
    """
    return _each(entries, lambda field: field.to(device, non_blocking=non_blocking))


def drawn_by_weight(entries: Batch) -> Batch:
    """Return as many entries without weights, each as often as it weighs: N·w / Σw copies, rounded up or down.

    For what is no mean over entries, such as an adversarial game. Nothing is drawn at random; equal weights, and none,
    leave the entries as they are.

    >>> import torch
    >>> from hepad.core.batch import Batch, drawn_by_weight
    >>> entries = Batch(torch.tensor([[1.0], [2.0], [3.0]]), weight=torch.tensor([2.0, 0.0, 1.0]))
    >>> drawn_by_weight(entries).x.flatten()
    tensor([1., 1., 3.])
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
