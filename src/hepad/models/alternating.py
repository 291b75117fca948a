"""Alternating updates: how a generator and a discriminator are trained against each other."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor

from hepad.config.registry import instantiate
from hepad.core.batch import Batch
from hepad.core.float32 import in_precision, weight_dtype
from hepad.core.gathering import draw_for_batch, drawn_from_batch
from hepad.core.misfits import compares_entries
from hepad.core.schema import Structure
from hepad.losses.adversarial import AdversarialLoss, r1_penalty
from hepad.models.own_steps import OwnSteps
from hepad.nn.adversarial import AdversarialNetworks, GeneratorEncoder
from hepad.nn.ema import MovingAverage
from hepad.nn.generators import ConvGenerator


class AlternatingModel(OwnSteps):
    """A generator and a discriminator trained against each other, in manual optimisation.

    Every batch brings one step of the discriminator; after each `discriminator_steps` of them what makes entries takes
    one. The steps are counted here: Lightning's `global_step` counts those of both (Lightning #17958).

    All networks see *represented* entries: normalised, and for events with the presence of each slot (1 or 0) as a
    further feature, so that how many jets an event has is something to be generated and judged like all else.

    Attributes:
        pairs: whether D sees codes beside entries.
        generator_steps: steps that what makes entries has taken, a buffer.
        discriminator_steps: those of the discriminator.

    Args:
        entry_shape: shape of one entry.
        loss: config of an `AdversarialLoss`.
        normalizer: kind of input normaliser.
        latent: number of latent variables, z ~ N(0, 1).
        generator: widths (channels for images) of the generator's layers; None for the network's own.
        discriminator: widths (channels) of the discriminator's layers; None for the network's own.
        activation: name of the activation function.
        circular: φ (H) of images is a ring.
        spectral_norm: normalise the discriminator's weights.
        discriminator_lr: learning rate of the discriminator; the generator's is that of the optimiser.
        discriminator_steps: steps of the discriminator for each of the generator.
        r1: weight γ of the R1 penalty, γ/2·‖∇D‖² at real entries; 0 for none.
        gradient_clip: largest norm of each optimiser's gradients; None for no limit.
        ema: decay of the moving average of what makes entries; scores and samples use the average.

    Raises:
        ValueError: a loss that is not adversarial, or a value outside its range.
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})
    pairs: ClassVar[bool]
    generator_steps: Tensor
    discriminator_steps: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        latent: int = 16,
        generator: Sequence[int] | None = None,
        discriminator: Sequence[int] | None = None,
        activation: str = "leaky_relu",
        circular: bool = True,
        spectral_norm: bool = True,
        discriminator_lr: float = 4e-4,
        discriminator_steps: int = 1,
        r1: float = 0.0,
        gradient_clip: float | None = None,
        ema: float = 0.999,
    ) -> None:
        super().__init__(entry_shape, normalizer)
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.loss = instantiate(dict(loss))
        if not isinstance(self.loss, AdversarialLoss):
            raise ValueError(compares_entries(type(self.loss).__name__))
        if discriminator_lr <= 0:
            raise ValueError(f"discriminator_lr={discriminator_lr}; a positive learning rate is needed")
        if discriminator_steps < 1:
            raise ValueError(f"discriminator_steps={discriminator_steps}; at least 1 is needed")
        if r1 < 0:
            raise ValueError(f"r1={r1}; 0 or a positive weight is needed")
        if gradient_clip is not None and gradient_clip <= 0:
            raise ValueError(f"gradient_clip={gradient_clip}; a positive norm, or null, is needed")
        self.latent = latent
        self.discriminator_lr = discriminator_lr
        self.steps_per_generator_step = discriminator_steps
        self.r1 = r1
        self.gradient_clip = gradient_clip
        shape = (*self.entry_shape[:-1], self.entry_shape[-1] + 1) if self.has_slots else self.entry_shape
        self.networks = AdversarialNetworks(shape, latent, generator, discriminator, activation, circular)
        self.discriminator = self.networks.build_discriminator(self.pairs, spectral_norm)
        self.maker = self.networks.build_maker(with_encoder=True)
        self.average = MovingAverage(self.maker, ema)
        self.register_buffer("generator_steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("discriminator_steps", torch.zeros((), dtype=torch.int64))

    @property
    def has_slots(self) -> bool:
        """True where entries are events, `(S, F)`."""
        return len(self.entry_shape) == 2

    @abstractmethod
    def real_inputs(self, x: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return what D sees of represented real entries."""

    @abstractmethod
    def generated_inputs(self, code: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return what D sees of entries made from codes."""

    @abstractmethod
    def maker_losses(self, x: Tensor, code: Tensor) -> dict[str, Tensor]:
        """Return the terms whose sum generator and encoder minimise, name → `()`: `generator` for the game, and more.

        Args:
            x: represented real entries.
            code: as many codes.
        """

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, and tell an image's generator the smallest pixel of each channel."""
        super().prepare(train)
        for maker in (self.maker, self.average.network):
            if isinstance(maker.generator, ConvGenerator):
                lowest = maker.generator.lowest
                lowest.copy_(self.represent(train).movedim(1, 0).flatten(1).amin(dim=1).reshape(lowest.shape))

    def represent(self, batch: Batch) -> Tensor:
        """Return entries as the networks see them, `(B, *entry_shape)`; events `(B, S, F + 1)` with the presence."""
        batch = in_precision(batch, self.precision)
        z: Tensor = self.normalizer(batch.x, batch.mask)
        if not self.has_slots:
            return z
        mask = torch.ones(z.shape[:2], device=z.device) if batch.mask is None else batch.mask
        return torch.cat([z, mask.unsqueeze(-1).to(z)], dim=-1)

    def draw_codes(self, n: int, seed: int | None = None) -> Tensor:
        """Return `(n, latent)` draws of N(0, 1): of the global random numbers, or the same ones for a seed."""
        dtype = weight_dtype(self.precision)
        if seed is None:
            return draw_for_batch(
                lambda shape: torch.randn(*shape, device=self.device, dtype=dtype), (n, self.latent), self.device
            )
        return torch.randn(n, self.latent, generator=torch.Generator().manual_seed(seed)).to(self.device, dtype)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Take one step of the discriminator and, when its turn has come, one of what makes entries."""
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        # A game of two distributions: what weighs more is seen more often.
        x = self.represent(drawn_from_batch(batch))
        self._discriminator_step(x, optimizers[1])
        self.discriminator_steps += 1
        if self.step_kind(batch_idx):
            self._maker_step(x, optimizers[0])
            self.generator_steps += 1

    def step_kind(self, batch_idx: int) -> bool:
        """Return whether what makes entries has its turn: after every so many batches, counted over all epochs."""
        if self.steps_per_generator_step == 1:
            return True
        # Counted by the loop, not read from the buffer: on a GPU that would wait for every step before it.
        seen: int = self.trainer.fit_loop.total_batch_idx + 1
        return seen % self.steps_per_generator_step == 0

    def log_epoch_means(self) -> None:
        """Log the means of the epoch, and how many steps each side has taken."""
        super().log_epoch_means()
        for name in ("generator_steps", "discriminator_steps"):
            self.log(f"train/{name}", getattr(self, name).float())

    def _discriminator_step(self, x: Tensor, optimizer: LightningOptimizer) -> None:
        with torch.no_grad():
            real = self.real_inputs(x, self.maker)
            generated = self.generated_inputs(self.draw_codes(len(x)), self.maker)
        if self.r1:
            real = tuple(part.detach().clone().requires_grad_(True) for part in real)
        real_logits = self.discriminator(*real)
        loss = self.loss.discriminator_loss(real_logits, self.discriminator(*generated))
        self.log("train/loss_discriminator", loss, on_step=False, on_epoch=True, batch_size=len(x))
        if self.r1:
            loss = loss + self.r1 * r1_penalty(real_logits, *real)
        self.take_step(optimizer, loss, self.discriminator.parameters())

    def _maker_step(self, x: Tensor, optimizer: LightningOptimizer) -> None:
        self.discriminator.requires_grad_(False)
        losses = self.maker_losses(x, self.draw_codes(len(x)))
        for name, loss in losses.items():
            self.log(f"train/loss_{name}", loss, on_step=False, on_epoch=True, batch_size=len(x))
        self.take_step(optimizer, torch.stack(list(losses.values())).sum(), self.maker.parameters())
        self.discriminator.requires_grad_(True)
        self.average.update(self.maker)

    def configure_optimizers(self) -> Any:
        """Build one optimiser of what makes entries and one of the discriminator, each with the scheduler if any."""
        optimizers = [
            self.optimizer_factory(self.maker.parameters()),
            self.optimizer_factory(self.discriminator.parameters(), lr=self.discriminator_lr),
        ]
        factory = self.scheduler_factory
        return optimizers, [] if factory is None else [factory(optimizer) for optimizer in optimizers]
