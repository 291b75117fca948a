"""A network that tells real entries from made-up ones, alone or together with their codes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from hepad.nn.activations import activation as make_activation
from hepad.nn.mlp import mlp


class Discriminator(nn.Module):
    """D(x), or D(x, z) on pairs of an entry and a code: one logit, higher for what looks real.

    The entry goes through a trunk, its features and the code through a perceptron whose last hidden layer is f, the
    features that feature matching compares; the logit is linear in f.

    Args:
        trunk: from entries to `(B, width)`; it has an attribute `width`.
        head: widths of the layers between trunk and logit, at least one.
        activation: name of the activation function.
        latent: width of the code; 0 for D(x).
        normalized: divide every weight by its largest singular value (spectral normalisation: Miyato et al.,
            arXiv:1802.05957), which bounds how steeply D may change with the entry.
    """

    def __init__(
        self, trunk: nn.Module, head: Sequence[int], activation: str, latent: int = 0, normalized: bool = True
    ) -> None:
        super().__init__()
        self.latent = latent
        self.trunk = trunk
        width = int(trunk.width)  # type: ignore[arg-type]
        self.head = nn.Sequential(*mlp([width + latent, *head], activation), make_activation(activation))
        self.logit = nn.Linear(head[-1], 1)
        if normalized:
            for part in list(self.modules()):
                if isinstance(part, nn.Linear | nn.Conv2d):
                    spectral_norm(part)

    def features(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """Return f, `(B, K)`, for entries `(B, *entry_shape)` and, where there are any, codes `(B, L)`."""
        seen = self.trunk(x)
        if code is not None:
            seen = torch.cat([seen, code], dim=1)
        features: Tensor = self.head(seen)
        return features

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """Return the logits `(B,)`."""
        logit: Tensor = self.logit(self.features(x, code))
        return logit.squeeze(-1)
