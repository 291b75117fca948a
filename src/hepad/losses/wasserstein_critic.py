"""Losses of a critic that measures the Wasserstein distance of two samples, with a penalty on its gradient."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hepad.core.gathering import draw_for_batch


def critic_loss(real: Tensor, made: Tensor) -> Tensor:
    """Return E[C(made)] − E[C(real)] `()`, which a critic minimises: minus the distance of the two samples.

    Arjovsky et al., arXiv:1701.07875, with values `(B,)` of a critic whose slope is at most 1 (`gradient_penalty`).
    """
    return made.mean() - real.mean()


def gradient_penalty(
    critic: Callable[..., Tensor], real: Sequence[Tensor], made: Sequence[Tensor], known: Sequence[Tensor] = ()
) -> Tensor:
    """Return E[max(0, ‖∇C‖ − 1)²] `()` at points drawn evenly on lines from real to made entries.

    Gulrajani et al., arXiv:1704.00028, where 10 is the usual weight; here slopes below 1 cost nothing, which the
    distance allows (Petzka et al., arXiv:1709.08894): a critic of one variable, punished for being flat, keeps the
    slope that it began with even where that has the wrong sign. Points are drawn for the batch of all processes.

    Args:
        critic: gives values `(B,)` of what it sees.
        real: what it sees of real entries, each part `(B, …)`.
        made: the same parts of made-up ones.
        known: further parts, the same for both, along which no slope is counted.

    >>> import torch
    >>> from hepad.losses.wasserstein_critic import gradient_penalty
    >>> x, y = torch.zeros(4, 3), torch.ones(4, 3)
    >>> round(float(gradient_penalty(lambda x: 2 * x[:, 0], [x], [y])), 6)
    1.0
    """
    like = real[0]
    share = draw_for_batch(
        lambda shape: torch.rand(shape, device=like.device, dtype=like.dtype), (len(like),), like.device
    )
    points = []
    for one, other in zip(real, made, strict=True):
        at = share.view(-1, *[1] * (one.ndim - 1))
        points.append((one + at * (other - one)).detach().requires_grad_(True))
    values = critic(*points, *known)
    slopes = torch.autograd.grad(values.sum(), points, create_graph=True)
    square = torch.stack([slope.flatten(1).square().sum(dim=1) for slope in slopes]).sum(dim=0)
    # The root has no slope of its own at 0.
    return ((square + torch.finfo(square.dtype).eps).sqrt() - 1).clamp(min=0.0).square().mean()
