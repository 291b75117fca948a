"""Paths from entries to noise, x_t = a(t) x + b(t) ε, along which a velocity is learned."""

import math
from abc import ABC, abstractmethod
from typing import Final, NamedTuple

import torch
from torch import Tensor


class Coefficients(NamedTuple):
    """Coefficients of a path, and their derivatives by t.

    Attributes:
        a, b: shares of the entry and of the noise.
        da, db: their derivatives.
    """

    a: Tensor
    b: Tensor
    da: Tensor
    db: Tensor


class Path(ABC):
    """A path from an entry x at t = 0 to noise ε at t = 1: x_t = a x + b ε, with the velocity a′ x + b′ ε.

    The velocity field v(x_t, t) = E[a′ x + b′ ε given x_t] moves the density of the entries into N(0, 1) (Lipman et
    al., arXiv:2210.02747); what is regressed on a′ x + b′ ε finds it. The same field says what the noise was,
    ε = (a v − a′ x_t)/(a b′ − a′ b), so that a network trained to name the noise, as in diffusion, is one trained to
    name the velocity with other weights of the times.
    """

    @abstractmethod
    def coefficients(self, t: Tensor) -> Coefficients:
        """Return a, b, a′ and b′ at times `t`, of its shape."""

    def point(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return x_t; `t` broadcasts to `x`."""
        at = self.coefficients(t)
        return at.a * x + at.b * noise

    def velocity(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return dx_t/dt."""
        at = self.coefficients(t)
        return at.da * x + at.db * noise

    def normal_slope(self, t: Tensor) -> Tensor:
        """Return k(t) such that v = k x_t where entries are N(0, 1) already: (a a′ + b b′)/(a² + b²)."""
        at = self.coefficients(t)
        return (at.a * at.da + at.b * at.db) / (at.a**2 + at.b**2)

    def noise_weight(self, t: Tensor) -> Tensor:
        """Return (dε/dv)²: an error of the velocity as one of the noise that it names."""
        at = self.coefficients(t)
        return (at.a / (at.a * at.db - at.da * at.b)) ** 2

    def weight(self, t: Tensor) -> Tensor:
        """Return what an error of the velocity counts in the objective of the path."""
        return torch.ones_like(t)


class StraightPath(Path):
    """The path of flow matching by optimal transport: a = 1 − t, b = σ + (1 − σ) t (Lipman et al., arXiv:2210.02747).

    Args:
        smallest: σ, of the noise that is there at t = 0.

    >>> import torch
    >>> from hepad.nn.paths import StraightPath
    >>> x, noise, t = torch.tensor([2.0]), torch.tensor([-1.0]), torch.tensor([0.5])
    >>> StraightPath(0.0).point(x, noise, t), StraightPath(0.0).velocity(x, noise, t)
    (tensor([0.5000]), tensor([-3.]))
    """

    def __init__(self, smallest: float = 1e-4) -> None:
        self.smallest = smallest

    def coefficients(self, t: Tensor) -> Coefficients:
        """Return a, b, a′ and b′."""
        one = torch.ones_like(t)
        return Coefficients(1 - t, self.smallest + (1 - self.smallest) * t, -one, (1 - self.smallest) * one)


class CosinePath(Path):
    """The path of diffusion that keeps the variance: a = cos πt/2, b = sin πt/2 (Salimans and Ho, arXiv:2202.00512).

    Its objective is the error of the noise (Ho et al., arXiv:2006.11239).

    >>> import torch
    >>> from hepad.nn.paths import CosinePath
    >>> CosinePath().point(torch.tensor([2.0]), torch.tensor([-1.0]), torch.tensor([0.5]))  # (2 − 1) / √2
    tensor([0.7071])
    """

    def coefficients(self, t: Tensor) -> Coefficients:
        """Return a, b, a′ and b′."""
        half = math.pi / 2
        cos, sin = torch.cos(half * t), torch.sin(half * t)
        return Coefficients(cos, sin, -half * sin, half * cos)

    def weight(self, t: Tensor) -> Tensor:
        """Return (dε/dv)²."""
        return self.noise_weight(t)


PATHS: Final[dict[str, type[Path]]] = {"velocity": StraightPath, "noise": CosinePath}
"""By what a network is trained to name."""
