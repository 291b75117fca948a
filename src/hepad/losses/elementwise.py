"""Losses that are a mean over elements: MSE, MAE, MAPE, Huber and log-cosh (docs/physics.md)."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from hepad.losses.base import ElementwiseLoss

# What is left below the largest float for the sum over elements and entries.
_HEADROOM: Final = 1e-8


def difference(x_hat: Tensor, x: Tensor, power: float = 1) -> Tensor:
    """Return d = x̂ − x, held where a sum of |d|^`power` would overflow; from there on its gradient is 0.

    In float32 that is beyond 1.8e15 for squares and 3e30 for first powers: nothing but a broken pixel is there, and
    one of these must not make a mean infinite.
    """
    farthest = (torch.finfo(x.dtype).max * _HEADROOM) ** (1 / power)
    # A clamp, whose way back is one operation instead of four.
    return F.hardtanh(x_hat - x, -farthest, farthest)


class MSE(ElementwiseLoss):
    """Mean squared error, mean of (x̂ − x)².

    >>> import torch
    >>> from hepad.losses import MSE
    >>> x, x_hat = torch.zeros(2, 4), torch.tensor([[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
    >>> MSE()(x_hat, x)
    tensor([0., 1.])
    >>> MSE().elementwise(x_hat, x)[1]
    tensor([4., 0., 0., 0.])
    """

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return (x̂ − x)² per element."""
        return difference(x_hat, x, power=2).square()


class MAE(ElementwiseLoss):
    """Mean absolute error, mean of |x̂ − x|.

    >>> import torch
    >>> from hepad.losses import MAE
    >>> MAE()(torch.tensor([[0.0, 0.0], [2.0, -1.0]]), torch.zeros(2, 2))
    tensor([0.0000, 1.5000])
    """

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return |x̂ − x| per element."""
        return difference(x_hat, x).abs()


class MAPE(ElementwiseLoss):
    """Mean absolute percentage error as a fraction, mean of |x̂ − x| / max(|x|, ε).

    Args:
        epsilon: floor of the denominator. Normalised inputs cross zero, so it must not be tiny: the default lets
            no element count more than ten times its absolute error.

    >>> import torch
    >>> from hepad.losses import MAPE
    >>> MAPE()(torch.tensor([[9.0, 0.0]]), torch.tensor([[10.0, 0.05]]))
    tensor([0.3000])
    """

    def __init__(self, epsilon: float = 0.1) -> None:
        super().__init__()
        if epsilon <= 0:
            raise ValueError(f"epsilon={epsilon}; a positive floor is needed")
        self.epsilon = epsilon

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return |x̂ − x| / max(|x|, ε) per element."""
        return difference(x_hat, x).abs() / x.abs().clamp(min=self.epsilon)


class Huber(ElementwiseLoss):
    """Huber loss: ½d² for |d| ≤ δ, δ(|d| − ½δ) beyond, with d = x̂ − x (Huber 1964).

    Args:
        delta: where the parabola turns into a line.

    >>> import torch
    >>> from hepad.losses import Huber
    >>> Huber()(torch.tensor([[0.5], [3.0]]), torch.zeros(2, 1))
    tensor([0.1250, 2.5000])
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        if delta <= 0:
            raise ValueError(f"delta={delta}; a positive turning point is needed")
        self.delta = delta

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return the Huber loss per element."""
        d = difference(x_hat, x)
        return F.huber_loss(d, torch.zeros_like(d), reduction="none", delta=self.delta)


class LogCosh(ElementwiseLoss):
    """Log-cosh loss, mean of ln cosh(x̂ − x); computed as |d| + ln(1 + e^(−2|d|)) − ln 2, which cannot overflow.

    >>> import torch
    >>> from hepad.losses import LogCosh
    >>> LogCosh()(torch.tensor([[0.1], [10.0]]), torch.zeros(2, 1))
    tensor([4.9917e-03, 9.3069e+00])
    """

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return ln cosh(x̂ − x) per element."""
        distance = difference(x_hat, x).abs()
        return distance + F.softplus(-2 * distance) - math.log(2)
