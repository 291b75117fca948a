"""Draws of a density exp(−E): Langevin chains of codes, and from there of entries, kept from step to step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hepad.core.errors import UserError
from hepad.nn.langevin import Energy, langevin

Decode = Callable[[Tensor], Tensor]

_SMALLEST: Final = 1e-6


@dataclass(frozen=True)
class ChainSettings:
    """Settings of a chain.

    Attributes:
        replay: share of the codes that go on from where the last step left them.
        latent_steps: steps of codes.
        latent_rate: of ∇E(D(z)), in units of the squared spread of codes.
        latent_noise: in units of their spread.
        entry_steps: steps of entries.
        entry_rate: share of the error x − x̂ that a step takes away, where x̂ stays as it is.
        entry_noise: in units of the spread of the background about its mean entry.
    """

    replay: float
    latent_steps: int
    latent_rate: float
    latent_noise: float
    entry_steps: int
    entry_rate: float
    entry_noise: float


class EnergyChains(nn.Module):
    """Codes that walk through the latent space, and the entries that are made of them (Yoon et al., arXiv:2105.05735).

    A chain of entries alone would take long to any place far away. Codes z go down E(D(z)) first, from where they were
    left when their turn was last; D(z) then goes down E(x). The codes are a buffer of fixed size in the checkpoint, so
    that a resumed training goes on with the same bits. They have their turn one after the other.

    On the sphere codes start anywhere on it. Elsewhere they start as a normal distribution of the mean and the spread
    that validation entries' codes had, and stay in the range of those. Entries stay in the range of training entries:
    of each column, of images of each channel.

    Args:
        settings: of the steps.
        n: how many codes are kept.
        latent: their width L.
        entry_shape: shape of one entry.
        spherical: codes lie on the unit sphere.
    """

    codes: Tensor
    turn: Tensor
    mean: Tensor
    width: Tensor
    lowest: Tensor
    highest: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self, settings: ChainSettings, n: int, latent: int, entry_shape: Sequence[int], spherical: bool
    ) -> None:
        super().__init__()
        self.settings, self.spherical = settings, spherical
        self.register_buffer("codes", torch.zeros(n, latent))
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))
        # Of the codes of background.
        for name, value in (("mean", 0.0), ("width", 1.0), ("lowest", -3.0), ("highest", 3.0)):
            self.register_buffer(name, torch.full((latent,), value))
        # Of the entries themselves.
        of_range = (entry_shape[0], 1, 1) if len(entry_shape) == 3 else tuple(entry_shape)
        self.register_buffer("low", torch.full(of_range, -torch.inf))
        self.register_buffer("high", torch.full(of_range, torch.inf))

    def fit(self, z: Tensor) -> None:
        """Take the range of normalised training entries `(N, *entry_shape)`."""
        axes = (0, 2, 3) if z.ndim == 4 else (0,)
        self.low.copy_(z.amin(dim=axes).reshape(self.low.shape))
        self.high.copy_(z.amax(dim=axes).reshape(self.high.shape))

    def look_at(self, codes: Tensor) -> None:
        """Take mean, spread and range of the codes `(N, L)` of background; a sphere needs none."""
        if self.spherical:
            return
        self.mean.copy_(codes.mean(dim=0))
        self.width.copy_(codes.std(dim=0, correction=0).clamp(min=_SMALLEST))
        self.lowest.copy_(codes.amin(dim=0))
        self.highest.copy_(codes.amax(dim=0))

    def restart(self) -> None:
        """Let all codes start anew."""
        self.codes.copy_(self._started(torch.randn_like(self.codes)))

    @torch.inference_mode(False)
    def step(self, n: int, energy: Energy, decode: Decode, spread: Tensor, follow: bool = False) -> Tensor:
        """Let the next `n` codes walk, and return the entries `(n, *entry_shape)` that are made of them.

        Args:
            n: how many.
            energy: E of normalised entries, `(B, *entry_shape)` to `(B,)`, in units of `spread`.
            decode: D, codes to normalised entries.
            spread: `()` mean squared distance of background to its mean entry, over the number of features.
            follow: keep the graph of the steps of entries.

        Raises:
            UserError: more than there are.
        """
        if n > len(self.codes):
            raise UserError(
                f"data.batch_size={n} is above model.chains={len(self.codes)}, and each entry of a batch is set "
                f"against one of a chain; choose model.chains={n} or more"
            )
        rows = (self.turn + torch.arange(n, device=self.codes.device)) % len(self.codes)
        codes = self.codes[rows]
        anew = torch.rand(n, 1, device=codes.device) >= self.settings.replay
        codes = torch.where(anew, self._started(torch.randn_like(codes)), codes)
        codes = self._walked(codes, energy, decode, lambda step: torch.randn_like(codes))
        self.codes.index_copy_(0, rows, codes)
        self.turn.add_(n).remainder_(len(self.codes))
        with torch.no_grad():
            start = self._in_range(decode(codes))
        return self._descended(start, energy, spread, lambda step: torch.randn_like(start), follow)

    @torch.inference_mode(False)
    def draw(
        self, n: int, energy: Energy, decode: Decode, spread: Tensor, generator: torch.Generator, replay: bool
    ) -> Tensor:
        """Return `(n, *entry_shape)` entries as `step` makes them; the codes that are kept stay where they are.

        Args:
            n: how many.
            energy, decode, spread: as for `step`.
            generator: the random numbers.
            replay: begin with the codes that are kept, over and over again where there are fewer; else anew.
        """

        def drawn_like(x: Tensor) -> Tensor:
            noise = torch.randn(x.shape, generator=generator, device=generator.device, dtype=torch.float32)
            return noise.to(x)

        rows = torch.arange(n, device=self.codes.device) % len(self.codes)
        codes = self.codes[rows] if replay else self._started(drawn_like(self.codes[rows]))
        codes = self._walked(codes, energy, decode, lambda step: drawn_like(codes))
        with torch.no_grad():
            start = self._in_range(decode(codes))
        return self._descended(start, energy, spread, lambda step: drawn_like(start)).detach()

    def _started(self, normal: Tensor) -> Tensor:
        return self._in_latent_range(normal if self.spherical else self.mean + self.width * normal)

    def _walked(self, codes: Tensor, energy: Energy, decode: Decode, noise: Callable[[int], Tensor]) -> Tensor:
        chosen = self.settings
        scale = torch.ones_like(self.width) if self.spherical else self.width
        # Steps of codes over their spread, so that settings do not depend on how large an encoder's numbers are.
        walked = langevin(
            lambda u: energy(decode(scale * u)),
            codes / scale,
            chosen.latent_steps,
            chosen.latent_rate,
            lambda step: chosen.latent_noise * noise(step),
            lambda u: self._in_latent_range(scale * u) / scale,
        )
        return (scale * walked).detach()

    def _descended(
        self, start: Tensor, energy: Energy, spread: Tensor, noise: Callable[[int], Tensor], follow: bool = False
    ) -> Tensor:
        chosen = self.settings
        # ½‖x − x̂‖², whose gradient is the error itself where x̂ does not change.
        half_squares = 0.5 * start[0].numel() * spread
        width = chosen.entry_noise * spread.sqrt()
        return langevin(
            lambda x: half_squares * energy(x),
            start,
            chosen.entry_steps,
            chosen.entry_rate,
            lambda step: width * noise(step),
            self._in_range,
            follow,
        )

    def _in_latent_range(self, codes: Tensor) -> Tensor:
        if self.spherical:
            return F.normalize(codes, dim=1)
        return torch.minimum(torch.maximum(codes, self.lowest), self.highest)

    def _in_range(self, x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(x, self.low), self.high)
