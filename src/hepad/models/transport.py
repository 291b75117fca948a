"""Wasserstein distance between two samples of as many entries: exact, and smoothed so that it has gradients."""

import math
from typing import Final

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from hepad.losses.sinkhorn import transport_potentials

_SMOOTHING: Final = 0.05
_ROUNDS: Final = 30


def wasserstein(one: Tensor, other: Tensor) -> float:
    """Return the square of the 2-Wasserstein distance over the number of features.

    That is min_π mean_i ‖x_i − y_π(i)‖² / D over all pairings π, by the Hungarian algorithm.

    Args:
        one: `(N, …)` entries.
        other: as many.

    >>> import torch
    >>> from hepad.models.transport import wasserstein
    >>> x = torch.tensor([[0.0, 0.0], [5.0, 5.0]])
    >>> wasserstein(x, x.flip(0)), wasserstein(x, x + 1)
    (0.0, 1.0)
    """
    cost = _costs(one, other).double().cpu().numpy()
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())


def smoothed_wasserstein(one: Tensor, other: Tensor) -> Tensor:
    """Return nearly the same `()`, with gradients: the cost of the plan that Sinkhorn's rounds find.

    The plan P minimises Σ P c − ε H(P), with ε a twentieth of the mean cost, and is taken as fixed: the gradient is
    that of Σ P c (Cuturi, NeurIPS 2013). Nothing is read back from a device.

    >>> import torch
    >>> from hepad.models.transport import smoothed_wasserstein
    >>> x = torch.tensor([[0.0, 0.0], [5.0, 5.0]])
    >>> round(float(smoothed_wasserstein(x, x.flip(0) + 1)), 3)
    1.0
    """
    cost = _costs(one, other)
    with torch.no_grad():
        fixed = cost.float().unsqueeze(0)
        epsilon = (_SMOOTHING * fixed.mean()).clamp(min=torch.finfo(torch.float32).tiny)
        log_weights = torch.full_like(fixed[:, 0], -math.log(len(cost)))
        f, g = transport_potentials(fixed, log_weights, log_weights, epsilon, _ROUNDS)
        plan = torch.exp((f.unsqueeze(2) + g.unsqueeze(1) - fixed) / epsilon).squeeze(0) / len(cost) ** 2
    return (plan.to(cost.dtype) * cost).sum()


def _costs(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared differences `(N, N)`."""
    x, y = one.flatten(1), other.flatten(1)
    squares = x.square().sum(dim=1).unsqueeze(1) + y.square().sum(dim=1) - 2 * x @ y.T
    return squares.clamp(min=0) / x.shape[1]
