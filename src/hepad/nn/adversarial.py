"""The networks of adversarial models, chosen by the shape of an entry, and their discriminator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from hepad.nn.dense import check_sizes, make_activation, mlp
from hepad.nn.generators import ConvGenerator, DenseGenerator, EventGenerator
from hepad.nn.trunks import ConvTrunk, DenseTrunk, SetTrunk


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
                if isinstance(part, nn.Linear | nn.Conv2d | nn.Conv3d):
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


_GENERATOR: Final = {1: (64, 64), 2: (128, 128)}
_TRUNK: Final = (64, 64)
_HEAD: Final = (64,)


class GeneratorEncoder(nn.Module):
    """Networks that play against a discriminator.

    Args:
        generator: from codes to entries.
        encoder: from entries to codes, where the discriminator sees pairs.
    """

    def __init__(self, generator: nn.Module, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.generator = generator
        self.encoder = encoder

    def generate(self, code: Tensor) -> Tensor:
        """Return entries `(B, *entry_shape)` for codes `(B, L)`."""
        entries: Tensor = self.generator(code)
        return entries

    def encode(self, x: Tensor) -> Tensor:
        """Return codes `(B, L)` of entries; only with an encoder."""
        assert self.encoder is not None
        code: Tensor = self.encoder(x)
        return code


@dataclass(frozen=True)
class AdversarialNetworks:
    """Builds generators, discriminators and encoders for entries of one shape.

    | entry | generator | discriminator and encoder |
    |---|---|---|
    | vector | perceptron | perceptron |
    | event | perceptron, slots in falling pT, and which of them are there | DeepSets with a sum |
    | image, volume | transposed convolutions of stride 2 | convolutions of stride 2; both as deep as it is large |

    Args:
        entry_shape: shape of one entry; for events the presence of a slot counts as its last feature.
        latent: width of the code.
        generator: widths (channels for images) of the generator, code first; None for the defaults.
        discriminator: widths (channels) of the trunk of discriminator and encoder; None for the defaults.
        activation: name of the activation function.
        circular: φ (H, or Y) of images and volumes is a ring.

    Raises:
        ValueError: no width at all, or no latent variable.
    """

    entry_shape: tuple[int, ...]
    latent: int
    generator: Sequence[int] | None
    discriminator: Sequence[int] | None
    activation: str
    circular: bool
    axes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", len(self.entry_shape))
        check_sizes(latent=self.latent)
        for name in ("generator", "discriminator"):
            if (widths := getattr(self, name)) is not None and (not widths or min(widths) < 1):
                raise ValueError(f"{name}={list(widths)}; at least one layer, of positive width, is needed")

    def build_maker(self, with_encoder: bool) -> GeneratorEncoder:
        """Return a generator, and an encoder where one is wanted."""
        return GeneratorEncoder(self._generator(), self._encoder() if with_encoder else None)

    def _generator(self) -> nn.Module:
        generator: nn.Module
        if self.axes > 2:
            generator = ConvGenerator(self.latent, self.entry_shape, self.generator, self.activation, self.circular)
        else:
            kind = EventGenerator if self.axes == 2 else DenseGenerator
            widths = self.generator or _GENERATOR[self.axes]
            generator = kind(self.latent, self.entry_shape, widths, self.activation)
        return generator.apply(_keep_variance)

    def build_discriminator(self, with_code: bool, normalized: bool) -> Discriminator:
        """Return D(x), or D(x, z) where it sees codes; `normalized` for spectral normalisation."""
        latent = self.latent if with_code else 0
        return Discriminator(self._trunk(), _HEAD, self.activation, latent, normalized)

    def _encoder(self) -> nn.Module:
        trunk = self._trunk()
        return nn.Sequential(trunk, nn.Linear(trunk.width, self.latent))

    def _trunk(self) -> ConvTrunk | SetTrunk | DenseTrunk:
        if self.axes > 2:
            return ConvTrunk(self.entry_shape, self.discriminator, self.activation, self.circular)
        kind = SetTrunk if self.axes == 2 else DenseTrunk
        return kind(self.entry_shape, self.discriminator or _TRUNK, self.activation)


def _keep_variance(part: nn.Module) -> None:
    """He initialisation (He et al., arXiv:1502.01852): entries start as widely spread as normalised data are.

    With PyTorch's own a generator starts near a constant and takes thousands of steps to spread its entries.
    """
    if isinstance(part, nn.Linear | nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(part.weight)
    elif isinstance(part, nn.ConvTranspose2d | nn.ConvTranspose3d):
        # Of its 4 × 4 numbers for each input channel, stride 2 brings 2 × 2 together in one pixel; of volumes 2³ of 4³.
        fan_in = part.in_channels * 2 ** len(part.kernel_size)
        nn.init.normal_(part.weight, std=(2 / fan_in) ** 0.5)
