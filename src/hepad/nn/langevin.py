"""Langevin steps: draws of exp(−E) by going down an energy with noise."""

from collections.abc import Callable

import torch
from torch import Tensor

Energy = Callable[[Tensor], Tensor]
"""Points `(B, …)` to their energies `(B,)`."""


def langevin(
    energy: Energy,
    start: Tensor,
    steps: int,
    rate: float,
    noise: Callable[[int], Tensor],
    keep: Callable[[Tensor], Tensor],
    follow: bool = False,
) -> Tensor:
    """Return where points `(B, …)` are after so many steps x ← keep(x − rate·∇E(x) + noise).

    Gradients are taken whatever the caller does, under inference mode too; those of the weights behind the energy are
    left as they are.

    Args:
        energy: E, one value for each point, of that point alone.
        start: the points.
        steps: how many.
        rate: of the descent.
        noise: number of a step, from 0 → `(B, …)` what is added.
        keep: puts points back where they may be, such as into a range or onto a sphere.
        follow: keep the graph, so that what is returned has gradients by the weights behind the energy.

    >>> import torch
    >>> from hepad.nn.langevin import langevin
    >>> half_square = lambda x: 0.5 * x.square().sum(dim=1)
    >>> still = lambda step: torch.zeros(1, 2)
    >>> langevin(half_square, torch.ones(1, 2), 3, 0.5, still, keep=lambda x: x)
    tensor([[0.1250, 0.1250]])
    """
    with torch.inference_mode(False), torch.enable_grad():
        # Made under inference mode it could not be differentiated.
        x = start.clone().detach()
        for step in range(steps):
            x = x.requires_grad_() if not x.requires_grad else x
            (slope,) = torch.autograd.grad(energy(x).sum(), x, create_graph=follow)
            moved = x - rate * slope
            x = keep((moved if follow else moved.detach()) + noise(step))
        return x
