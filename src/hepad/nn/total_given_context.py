"""Sum of an entry's cells given what it is conditioned on, such as visible energy given incident energy."""

from typing import Final

import torch
from torch import Tensor

from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.exact import ExactBuffers

_ROUNDS: Final = 20
_SMALLEST_SHARE: Final = 1e-6
_WIDEST: Final = 20.0


class TotalGivenContext(ExactBuffers):
    """A map of totals T to r = Φ⁻¹(F(u)), u = (ln T − m(c)) / s(c), N(0, 1) among training entries; and back.

    m is cubic and ln s quadratic in each observable of the context c, in standard units, of ln c where all training
    entries have c > 0. They maximise the likelihood of normal residuals, once and not step by step; F is the
    distribution of the u of training entries, by its quantiles. The energy that a calorimeter sees has a mean nearly
    proportional to the incident energy and a width that falls with it, which both are smooth in ln E.

    Empty entries, T = 0, take no part in the fit and have the smallest total that there is, a millionth of the mean.

    Args:
        size: number K of observables; 0 for none.

    >>> import torch
    >>> from hepad.nn.total_given_context import TotalGivenContext
    >>> energy = torch.linspace(10, 100, 500).unsqueeze(1)
    >>> total = 30 * energy[:, 0] * (1 + 0.05 * torch.randn(500, generator=torch.Generator().manual_seed(0)))
    >>> visible = TotalGivenContext(1).fit(total, energy)
    >>> round(float(visible.inverse(torch.zeros(1), torch.tensor([[50.0]])) / 1500), 1)
    1.0
    >>> r = visible(total, energy)
    >>> torch.allclose(visible.inverse(r, energy), total.double())
    True
    """

    mean: Tensor
    log_spread: Tensor
    in_logarithm: Tensor
    smallest: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.scale = ContextScale(size)
        self.residual = Coordinates("rank_gaussian", 1, smear=False)
        self.register_buffer("in_logarithm", torch.zeros(size, dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(1 + 3 * size, dtype=torch.float64))
        self.register_buffer("log_spread", torch.zeros(1 + 2 * size, dtype=torch.float64))
        self.register_buffer("smallest", torch.tensor(_SMALLEST_SHARE, dtype=torch.float64))

    @torch.no_grad()
    def fit(self, total: Tensor, context: Tensor | None, weight: Tensor | None = None) -> "TotalGivenContext":
        """Take m, s and F of totals `(N,)` from 0 with their context `(N, K)`, counted by `weight` `(N,)`.

        Raises:
            ValueError: totals below 0, none above it, or a context of another size.
        """
        exact = total.double()
        if not bool((exact >= 0).all()) or not bool((exact > 0).any()):
            raise ValueError("totals of entries must not be negative, and not all of them 0")
        self.smallest.copy_(_SMALLEST_SHARE * exact.mean())
        if self.size:
            known = self.scale.checked(context).double()
            self.in_logarithm.copy_((known > 0).all(dim=0))
            self.scale.fit(self._curved(known))
        filled = exact > self.smallest
        weight = torch.ones_like(exact) if weight is None else weight.double()
        y, counted = exact[filled].log(), weight[filled]
        given = None if context is None else context[filled]
        cubic, quadratic = self._powers(given, len(y), 3), self._powers(given, len(y), 2)
        log_variance = torch.zeros_like(y)
        for _ in range(_ROUNDS):
            # Weighted means, then a step of the Gamma regression of squared residuals with a logarithmic link.
            self.mean.copy_(_least_squares(cubic, y, counted * (-log_variance).exp()))
            square = (y - cubic @ self.mean).square()
            average = ((square * counted).sum() / counted.sum()).clamp(min=1e-12)
            if not bool(log_variance.any()):
                log_variance = average.log().expand_as(y)
            step = square * (-log_variance).exp() - 1
            found = _least_squares(quadratic, log_variance + step, counted)
            log_variance = (quadratic @ found).clamp(average.log() - _WIDEST, average.log() + _WIDEST)
            self.log_spread.copy_(0.5 * found)
        u = (y - cubic @ self.mean) * (-0.5 * log_variance).exp()
        self.residual.fit(u.unsqueeze(1), counted)
        return self

    def forward(self, total: Tensor, context: Tensor | None = None) -> Tensor:
        """Return r `(B,)`, float64, of totals `(B,)`."""
        mean, spread = self._moments(context, len(total))
        u = (total.double().clamp(min=self.smallest).log() - mean) / spread
        r: Tensor = self.residual(u.unsqueeze(1))[0].squeeze(1)
        return r

    def inverse(self, r: Tensor, context: Tensor | None = None) -> Tensor:
        """Return totals `(B,)`, float64, of draws r `(B,)`."""
        mean, spread = self._moments(context, len(r))
        u: Tensor = self.residual.inverse(r.double().unsqueeze(1)).squeeze(1)
        return (mean + spread * u).exp()

    def standard(self, context: Tensor | None) -> Tensor | None:
        """Return the context `(B, K)` in standard units, of its logarithm where that was fitted; None for none."""
        return self.scale(self._curved(self.scale.checked(context).double())) if self.size else None

    def _curved(self, context: Tensor) -> Tensor:
        return torch.where(self.in_logarithm, context.clamp(min=torch.finfo(torch.float32).tiny).log(), context)

    def _powers(self, context: Tensor | None, n: int, degree: int) -> Tensor:
        z = self.standard(context)
        one = self.mean.new_ones(n, 1)
        return one if z is None else torch.cat([one, *(z**power for power in range(1, degree + 1))], dim=1)

    def _moments(self, context: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        mean = self._powers(context, n, 3) @ self.mean
        return mean, (self._powers(context, n, 2) @ self.log_spread).exp()


def _least_squares(features: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Return the coefficients `(P,)` of features `(N, P)` that come nearest to y `(N,)`, the smallest ones of many."""
    root = weight.sqrt()
    # The pseudo-inverse on the CPU takes columns that depend on each other, such as those of one context.
    solved = torch.linalg.lstsq((features * root.unsqueeze(1)).cpu(), (y * root).unsqueeze(1).cpu(), driver="gelsd")
    coefficients: Tensor = solved.solution.squeeze(1)
    return coefficients.to(features.device)
