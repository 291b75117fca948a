"""The mean over the entries of a batch, each counted by its weight."""

import torch
from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor | None = None, total: Tensor | float | None = None) -> Tensor:
    """Return Σ w v / Σ w `()`, the plain mean without weights; 0 where all weights are 0.

    Weights that are all 1 give the plain mean to the last bit.

    Args:
        values: `(B,)`.
        weight: `(B,)` numbers from 0 on any scale.
        total: what to divide by instead of Σ w, where the batch is a share of a larger one.

    >>> import torch
    >>> weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
    tensor(2.)
    """
    if weight is None:
        return values.mean()
    whole = weight.sum() if total is None else torch.as_tensor(total).to(weight)
    return (values * weight).sum() / whole.clamp(min=torch.finfo(weight.dtype).tiny)
