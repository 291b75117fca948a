"""Losses of a game between generator and discriminator, and divergences that pull a code towards a distribution."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hepad.core.gathering import draw_for_batch
from hepad.core.schema import Structure


class AdversarialLoss(nn.Module, ABC):
    """The two sides of an adversarial game, from the logits of a discriminator.

    Attributes:
        structures: the structures of entries it is defined for; None for all.

    >>> import torch
    >>> from hepad.losses import AdversarialLoss
    >>> class LeastSquares(AdversarialLoss):
    ...     def discriminator_loss(self, real, generated):
    ...         return ((real - 1) ** 2).mean() + (generated ** 2).mean()
    ...     def generator_loss(self, generated):
    ...         return ((generated - 1) ** 2).mean()
    >>> LeastSquares().discriminator_loss(torch.ones(4), torch.full((4,), 0.5))
    tensor(0.2500)
    """

    structures: ClassVar[frozenset[Structure] | None] = None

    @abstractmethod
    def discriminator_loss(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the mean loss `()` of a discriminator that gives these logits `(B,)` to real and generated entries."""

    @abstractmethod
    def generator_loss(self, generated: Tensor) -> Tensor:
        """Return the mean loss `()` of what made the entries that the discriminator gives these logits `(B,)`."""


class NonSaturating(AdversarialLoss):
    """Cross-entropy for D, and −ln D(G(z)) for G (Goodfellow et al., arXiv:1406.2661).

    G maximises ln D(G(z)) rather than minimising ln(1 − D(G(z))), whose gradient vanishes where D sees through G.

    D's label of real entries is 1 − `label_smoothing` (Salimans et al., arXiv:1606.03498; one-sided: a smoothed label
    of generated ones would pull G towards what it makes already), with a uniform draw of up to ± `label_jitter` added
    for each entry, and never above 1.

    Args:
        label_smoothing: by how much the label of real entries lies below 1, at least 0 and below 1.
        label_jitter: half width of the draw, at least 0.

    Raises:
        ValueError: other values, or labels that could fall below 0.

    >>> import torch
    >>> from hepad.losses import NonSaturating
    >>> loss = NonSaturating(label_smoothing=0.0, label_jitter=0.0)
    >>> loss.discriminator_loss(torch.zeros(4), torch.zeros(4)), loss.generator_loss(torch.zeros(4))
    (tensor(1.3863), tensor(0.6931))
    """

    def __init__(self, label_smoothing: float = 0.1, label_jitter: float = 0.05) -> None:
        super().__init__()
        if label_smoothing < 0 or label_jitter < 0 or label_smoothing + label_jitter >= 1:
            raise ValueError(
                f"label_smoothing={label_smoothing} and label_jitter={label_jitter}; both at least 0 and together "
                "below 1 are needed"
            )
        self.label_smoothing = label_smoothing
        self.label_jitter = label_jitter

    def discriminator_loss(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the cross-entropies of real and generated entries, added."""
        drawn = draw_for_batch(lambda shape: torch.rand_like(real.new_empty(shape)), real.shape, real.device)
        jitter = self.label_jitter * (2 * drawn - 1)
        labels = (1 - self.label_smoothing + jitter).clamp(max=1.0)
        return F.binary_cross_entropy_with_logits(real, labels) + F.softplus(generated).mean()

    def generator_loss(self, generated: Tensor) -> Tensor:
        """Return the mean of −ln D = ln(1 + e^−logit)."""
        return F.softplus(-generated).mean()


class Hinge(AdversarialLoss):
    """max(0, 1 − D(x)) + max(0, 1 + D(G(z))) for D, −D(G(z)) for G (Lim and Ye, arXiv:1705.02894; Miyato et al.).

    >>> import torch
    >>> from hepad.losses import Hinge
    >>> real, generated = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, -0.5])
    >>> Hinge().discriminator_loss(real, generated), Hinge().generator_loss(generated)
    (tensor(0.5000), tensor(1.2500))
    """

    def discriminator_loss(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the two hinges, added."""
        return F.relu(1 - real).mean() + F.relu(1 + generated).mean()

    def generator_loss(self, generated: Tensor) -> Tensor:
        """Return minus the mean logit."""
        return -generated.mean()


def r1_penalty(logits: Tensor, *inputs: Tensor) -> Tensor:
    """Return the mean of ½‖∇D‖² at real entries, the R1 penalty (Mescheder et al., arXiv:1801.04406).

    Args:
        logits: `(B,)` of real entries.
        inputs: what they were computed from, each `(B, …)` and requiring a gradient.
    """
    gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    squares = sum((gradient.flatten(1).square().sum(dim=1) for gradient in gradients), torch.zeros_like(logits))
    return 0.5 * squares.mean()


def kl_to_unit_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return D_KL(N(μ, σ²) ‖ N(0, 1)) = ½(μ² + σ² − ln σ² − 1) per element, of the shape of `mean`.

    Kingma and Welling, arXiv:1312.6114, appendix B. Sum it over the latent variables for the divergence of a whole
    code. Written with `expm1`, so that it stays exact, and not negative, near σ = 1.
    """
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)


def summed_codes(values: Tensor, mask: Tensor | None) -> Tensor:
    """Return the sums `(B,)` of numbers of codes `(B, L)`, or of those of the real slots of `(B, S, L)`."""
    if values.ndim == 3 and mask is not None:
        values = torch.where(mask.unsqueeze(-1), values, torch.zeros_like(values))
    return values.flatten(1).sum(dim=1)


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
