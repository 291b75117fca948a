"""Kullback–Leibler divergences that pull a code towards a chosen distribution."""

import torch
from torch import Tensor


def kl_to_unit_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return D_KL(N(μ, σ²) ‖ N(0, 1)) = ½(μ² + σ² − ln σ² − 1) per element, of the shape of `mean`.

    Kingma and Welling, arXiv:1312.6114, appendix B. Sum it over the latent variables for the divergence of a whole
    code. Written with `expm1`, so that it stays exact, and not negative, near σ = 1.
    """
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)


def kl_bernoulli(rate: float, mean_activation: Tensor) -> Tensor:
    """Return D_KL(Bernoulli(ρ) ‖ Bernoulli(ρ̂)) = ρ ln(ρ/ρ̂) + (1−ρ) ln((1−ρ)/(1−ρ̂)) per element.

    The sparsity penalty of A. Ng's lecture notes on sparse autoencoders (Stanford CS294A).

    Args:
        rate: ρ, the wished-for mean activation, in (0, 1).
        mean_activation: ρ̂, the mean activation of each unit, in [0, 1]; kept off the ends, where it has no value.
    """
    found = mean_activation.clamp(1e-6, 1 - 1e-6)
    wished = torch.full_like(found, rate)
    return wished * (wished.log() - found.log()) + (1 - wished) * ((1 - wished).log() - (1 - found).log())
