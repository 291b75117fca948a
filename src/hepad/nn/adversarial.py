"""The networks of adversarial models, chosen by the shape of an entry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from torch import Tensor, nn

from hepad.nn.discriminator import Discriminator
from hepad.nn.generators import ConvGenerator, DenseGenerator, EventGenerator
from hepad.nn.sizes import check_sizes
from hepad.nn.trunks import ConvTrunk, DenseTrunk, SetTrunk

_GENERATOR: Final = {1: (64, 64), 2: (128, 128)}
_TRUNK: Final = (64, 64)
_HEAD: Final = (64,)


class GeneratorEncoder(nn.Module):
    """What plays against a discriminator.

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
    | image | transposed convolutions of stride 2 | convolutions of stride 2; both as deep as the image is large |

    Args:
        entry_shape: shape of one entry; for events the presence of a slot counts as its last feature.
        latent: width of the code.
        generator: widths (channels for images) of the generator, code first; None for the defaults.
        discriminator: widths (channels) of the trunk of discriminator and encoder; None for the defaults.
        activation: name of the activation function.
        circular: φ (H) of images is a ring.

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
        if self.axes == 3:
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
        if self.axes == 3:
            return ConvTrunk(self.entry_shape, self.discriminator, self.activation, self.circular)
        kind = SetTrunk if self.axes == 2 else DenseTrunk
        return kind(self.entry_shape, self.discriminator or _TRUNK, self.activation)


def _keep_variance(part: nn.Module) -> None:
    """He initialisation (He et al., arXiv:1502.01852): entries start as widely spread as normalised data are.

    With PyTorch's own a generator starts near a constant and takes thousands of steps to spread its entries.
    """
    if isinstance(part, nn.Linear | nn.Conv2d):
        nn.init.kaiming_normal_(part.weight)
    elif isinstance(part, nn.ConvTranspose2d):
        # Of its 4 × 4 numbers for each input channel, stride 2 brings 2 × 2 together in one pixel.
        fan_in = part.in_channels * 4
        nn.init.normal_(part.weight, std=(2 / fan_in) ** 0.5)
