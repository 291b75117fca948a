"""Contributions to a score that is no sum: integrated gradients, and the change without a part where there are none."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from hepad.core.batch import Batch

Score = Callable[[Batch], Tensor]
"""A function of a batch that gives `(B,)` scores."""

STEPS: Final = 32


def integrated_gradients(score: Score, batch: Batch, baseline: Tensor, steps: int = STEPS) -> Tensor:
    """Return (x − baseline) times the mean gradient of the score on the straight way between them, of the shape of `x`.

    Their sum is score(x) − score(baseline) up to the step width (Sundararajan, Taly, Yan, ICML 2017); midpoints of
    `steps` equal steps are taken. All other fields of the batch stay as they are.

    Args:
        score: with a gradient by `batch.x`.
        batch: `(B, …)` entries.
        baseline: of the shape of one entry, or of all.
        steps: how many gradients.

    Raises:
        RuntimeError: the score has no gradient.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models.attribution import integrated_gradients
    >>> integrated_gradients(lambda b: b.x.square().sum(dim=1), Batch(torch.tensor([[3.0, 1.0]])), torch.zeros(2))
    tensor([[9., 1.]])
    """
    x, start = batch.x.detach(), baseline.to(batch.x)
    total = torch.zeros_like(x)
    with torch.enable_grad():
        for step in range(steps):
            at = (start + (step + 0.5) / steps * (x - start)).requires_grad_()
            (gradient,) = torch.autograd.grad(score(batch._replace(x=at)).sum(), at)
            total += gradient
    return (x - start) * total / steps


def occlusion(score: Score, batch: Batch, baseline: Tensor) -> Tensor:
    """Return score(x) − score(x with one part at its baseline) for each part in turn, of the shape of `x`.

    For scores without a gradient. One pass for each number of an entry; the changes need not sum to anything.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models.attribution import occlusion
    >>> occlusion(lambda b: (b.x > 2).sum(dim=1).double(), Batch(torch.tensor([[3.0, 1.0]])), torch.zeros(2))
    tensor([[1., 0.]])
    """
    flat, start = batch.x.flatten(1), baseline.to(batch.x).expand_as(batch.x).flatten(1)
    before = score(batch)
    changes = []
    for part in range(flat.shape[1]):
        without = flat.clone()
        without[:, part] = start[:, part]
        changes.append(before - score(batch._replace(x=without.reshape(batch.x.shape))))
    return torch.stack(changes, dim=1).reshape(batch.x.shape).to(batch.x.dtype)
