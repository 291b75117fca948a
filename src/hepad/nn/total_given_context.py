"""Sum of an entry's cells given what it is conditioned on, such as visible energy given incident energy."""

from typing import Final

import torch
from torch import Tensor

from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.exact import ExactBuffers

_DEGREES: Final = {"mean": 3, "log_spread": 2, "skewness": 1, "log_tail": 1}
_ROUNDS: Final = 200
# 1/2σ² of the coefficients that have a prior.
_PRIOR: Final = 10.0
_SMALLEST_SHARE: Final = 1e-6
_LEAST_WIDTH: Final = 1e-9


class TotalGivenContext(ExactBuffers):
    """A map of totals T to r = Φ⁻¹(F(r′)), N(0, 1) among training entries whatever their context c; and back.

    r′ = sinh(δ(c) arsinh u − ε(c)) with u = (ln T − m(c)) / s(c): were it N(0, 1), ln T had a sinh-arcsinh distribution
    (Jones and Pewsey, Biometrika 96 (2009) 761), whose skewness ε and tails δ depend on the context, as its place and
    its width do. m is cubic, ln s quadratic, ε and ln δ are linear in each observable of c, in standard units, of ln c
    where all training entries have c > 0. They maximise the likelihood, once and not step by step; but for the place
    and the mean width, coefficients have a normal prior of the width 0.22. The energy that a calorimeter sees has a
    mean nearly proportional to the incident energy, a width that falls with it, and a growing tail of showers that
    leak: all smooth in ln E.

    F is the distribution of what r′ is among training entries, by its quantiles. Without a context r′ is ln T.

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
    skewness: Tensor
    log_tail: Tensor
    in_logarithm: Tensor
    smallest: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.scale = ContextScale(size)
        self.residual = Coordinates("rank_gaussian", 1, smear=False)
        self.register_buffer("in_logarithm", torch.zeros(size, dtype=torch.bool))
        for name, degree in _DEGREES.items():
            self.register_buffer(name, torch.zeros(1 + degree * size, dtype=torch.float64))
        self.register_buffer("smallest", torch.tensor(_SMALLEST_SHARE, dtype=torch.float64))

    @torch.no_grad()
    def fit(self, total: Tensor, context: Tensor | None, weight: Tensor | None = None) -> "TotalGivenContext":
        """Take the distribution of totals `(N,)` from 0 with their context `(N, K)`, counted by `weight` `(N,)`.

        Raises:
            ValueError: totals below 0, none above it, or a context of another size.
        """
        exact = total.double()
        if not bool((exact >= 0).all()) or not bool((exact > 0).any()):
            raise ValueError("totals of entries must not be negative, and not all of them 0")
        self.smallest.copy_(_SMALLEST_SHARE * exact.mean())
        filled = exact > self.smallest
        weight = torch.ones_like(exact) if weight is None else weight.double()
        y, counted, given = exact[filled].log(), weight[filled], None
        if self.size:
            known = self.scale.checked(context).double()
            self.in_logarithm.copy_((known > 0).all(dim=0))
            self.scale.fit(self._curved(known))
            given = known[filled]
            powers = {name: self._powers(given, degree) for name, degree in _DEGREES.items()}
            for name, values in _most_likely(y, powers, counted).items():
                getattr(self, name).copy_(values)
        self.residual.fit(self._shaped(y, given).unsqueeze(1), counted)
        return self

    def forward(self, total: Tensor, context: Tensor | None = None) -> Tensor:
        """Return r `(B,)`, float64, of totals `(B,)`."""
        shaped = self._shaped(total.double().clamp(min=self.smallest).log(), context)
        r: Tensor = self.residual(shaped.unsqueeze(1))[0].squeeze(1)
        return r

    def inverse(self, r: Tensor, context: Tensor | None = None) -> Tensor:
        """Return totals `(B,)`, float64, of draws r `(B,)`."""
        shaped: Tensor = self.residual.inverse(r.double().unsqueeze(1)).squeeze(1)
        if not self.size:
            return shaped.exp()
        at = self._moments(context)
        u = ((shaped.asinh() + at["skewness"]) * (-at["log_tail"]).exp()).sinh()
        return (at["mean"] + at["log_spread"].exp() * u).exp()

    def standard(self, context: Tensor | None) -> Tensor | None:
        """Return the context `(B, K)` in standard units, of its logarithm where that was fitted; None for none."""
        return self.scale(self._curved(self.scale.checked(context).double())) if self.size else None

    def _curved(self, context: Tensor) -> Tensor:
        return torch.where(self.in_logarithm, context.clamp(min=torch.finfo(torch.float32).tiny).log(), context)

    def _powers(self, context: Tensor | None, degree: int) -> Tensor:
        z = self.standard(context)
        assert z is not None
        return torch.cat([torch.ones_like(z[:, :1]), *(z**power for power in range(1, degree + 1))], dim=1)

    def _shaped(self, y: Tensor, context: Tensor | None) -> Tensor:
        """Return r′ of ln T."""
        if not self.size:
            return y
        at = self._moments(context)
        return (((y - at["mean"]) * (-at["log_spread"]).exp()).asinh() * at["log_tail"].exp() - at["skewness"]).sinh()

    def _moments(self, context: Tensor | None) -> dict[str, Tensor]:
        return {name: self._powers(context, degree) @ getattr(self, name) for name, degree in _DEGREES.items()}


@torch.enable_grad()
def _most_likely(y: Tensor, powers: dict[str, Tensor], weight: Tensor) -> dict[str, Tensor]:
    """Return the coefficients of a sinh-arcsinh distribution of y `(N,)`, by powers `(N, P)` of each parameter."""
    # On the CPU, to be the same on every machine; columns of one value are no use, and the prior lets them be 0.
    y, weight = y.cpu(), weight.cpu() / weight.sum().cpu()
    columns = {name: values.cpu() for name, values in powers.items()}
    centre = (weight * y).sum()
    width = (weight * (y - centre).square()).sum().sqrt().clamp(min=_LEAST_WIDTH)
    found = {name: torch.zeros(values.shape[1], dtype=y.dtype) for name, values in columns.items()}
    found["mean"] = _least_squares(columns["mean"], (y - centre) / width, weight)
    residual = (y - centre) / width - columns["mean"] @ found["mean"]
    found["log_spread"][0] = 0.5 * (weight * residual.square()).sum().clamp(min=_LEAST_WIDTH**2).log()
    begun = {name: values.clone() for name, values in found.items()}
    for values in found.values():
        values.requires_grad_()
    optimizer = torch.optim.LBFGS(list(found.values()), max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def minus_log_likelihood() -> Tensor:
        optimizer.zero_grad()
        at = {name: columns[name] @ values for name, values in found.items()}
        u = ((y - centre) / width - at["mean"]) * (-at["log_spread"]).exp()
        inner = u.asinh() * at["log_tail"].exp() - at["skewness"]
        # cosh of what sinh gives r: ln |dr/dy| but for a constant.
        slope = torch.logaddexp(inner, -inner) + at["log_tail"] - at["log_spread"] - 0.5 * torch.log1p(u.square())
        bending = (found["log_spread"][1:], found["skewness"], found["log_tail"])
        bent = torch.stack([part.square().sum() for part in bending]).sum()
        loss = (weight * (0.5 * inner.sinh().square() - slope)).sum() + _PRIOR / len(y) * bent
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(minus_log_likelihood)  # type: ignore[no-untyped-call]
    fitted = {name: values.detach() for name, values in found.items()}
    if not all(bool(torch.isfinite(values).all()) for values in fitted.values()):
        # So few entries that a narrow distribution through some of them has no bound: a normal one of one width.
        fitted = begun
    fitted["mean"] = fitted["mean"] * width
    fitted["mean"][0] += centre
    fitted["log_spread"][0] += width.log()
    return fitted


def _least_squares(features: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Return the coefficients `(P,)` of features `(N, P)` that come nearest to y `(N,)`, the smallest ones of many."""
    root = weight.sqrt()
    # The pseudo-inverse takes columns that depend on each other, such as those of one context.
    solved = torch.linalg.lstsq(features * root.unsqueeze(1), (y * root).unsqueeze(1), driver="gelsd")
    coefficients: Tensor = solved.solution.squeeze(1)
    return coefficients
