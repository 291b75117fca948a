"""A sum of normal distributions as plain arrays: its density, and draws of it."""

import math

import torch
from torch import Tensor

from hepad.nn.exact import ExactBuffers


class NormalMixture(ExactBuffers):
    """p(z) = Σ_k w_k N(z; μ_k, Σ_k), in float64.

    Args:
        components: number K of normal distributions.
        n_features: number F of columns.

    >>> import torch
    >>> from hepad.nn import NormalMixture
    >>> mixture = NormalMixture(1, 2)  # N(0, 1) until it is set
    >>> mixture(torch.zeros(1, 2)).exp()  # 1 / 2π
    tensor([0.1592], dtype=torch.float64)
    """

    weight: Tensor
    mean: Tensor
    root: Tensor

    def __init__(self, components: int, n_features: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((components,), 1 / components, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(components, n_features, dtype=torch.float64))
        unit = torch.eye(n_features, dtype=torch.float64)
        self.register_buffer("root", unit.repeat(components, 1, 1))

    @torch.no_grad()
    def set(self, weight: Tensor, mean: Tensor, covariance: Tensor) -> None:
        """Set weights `(K,)`, means `(K, F)` and covariances `(K, F, F)`."""
        self.weight.copy_(weight)
        self.mean.copy_(mean)
        self.root.copy_(torch.linalg.cholesky(covariance))

    def forward(self, z: Tensor) -> Tensor:
        """Return ln p `(B,)`, float64, of `z` `(B, F)`."""
        away = z.double().unsqueeze(0) - self.mean.unsqueeze(1)
        unit = torch.linalg.solve_triangular(self.root, away.transpose(1, 2), upper=False)
        size = self.root.diagonal(dim1=1, dim2=2).log().sum(dim=1, keepdim=True)
        each = -0.5 * unit.square().sum(dim=1) - size - 0.5 * z.shape[1] * math.log(2 * math.pi)
        return torch.logsumexp(each + self.weight.log().unsqueeze(1), dim=0)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return draws `(n, F)`, float64, on the CPU."""
        chosen = torch.multinomial(
            self.weight.cpu().to(generator.device), n, replacement=True, generator=generator
        ).cpu()
        noise = torch.randn(n, self.mean.shape[1], 1, generator=generator, device=generator.device).double().cpu()
        drawn: Tensor = (self.root.cpu()[chosen] @ noise).squeeze(-1) + self.mean.cpu()[chosen]
        return drawn
