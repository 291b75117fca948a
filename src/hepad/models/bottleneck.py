"""Training of a bounded information bottleneck autoencoder: critics, bottleneck, and the correction of cells."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor
from torch.nn import functional as F

from hepad.core.batch import Batch, drawn_by_weight
from hepad.core.float32 import at_least_float32, in_precision, weight_dtype
from hepad.core.gathering import draw_for_batch, drawn_from_batch, gather_interleaved, place_in_training
from hepad.core.schema import Structure
from hepad.losses.adversarial import kl_to_unit_normal
from hepad.losses.mean_discrepancy import mean_discrepancy, sorted_cells_discrepancy
from hepad.losses.wasserstein_critic import critic_loss, gradient_penalty
from hepad.models.base import eval_mode
from hepad.models.own_steps import OwnSteps
from hepad.models.two_sample import distances, energy_distance
from hepad.nn.bottleneck import ShowerCritic, ShowerMaker, latent_critic
from hepad.nn.ema import MovingAverage
from hepad.nn.shower_networks import Cells, drawn_cells, hurdle_nll
from hepad.nn.shower_summary import shower_summary
from hepad.nn.shower_units import Showers, ShowerUnits

WATCHED: Final = 1000
_LATENT_WIDTHS: Final = (1.0, 0.01)
_WINDOW: Final = 32
_COMPARED: Final = 16
_CELL_WIDTH: Final = 50.0
_PENALTY: Final = 10.0
_LEAST_SPREAD: Final = 0.01


class BottleneckSteps(OwnSteps):
    """Networks and steps of `BoundedInformationBottleneckAutoencoder`, which says what its arguments are."""

    structures: ClassVar[frozenset[Structure]] = frozenset({"volume"})
    context_use = "condition"
    monitors: ClassVar[tuple[str, ...]] = (
        "val/loss", "val/distance",
        "val/reconstruction", "val/kl", "val/codes", "train/loss_critic", "train/loss_autoencoder",
    )  # fmt: skip

    def __init__(
        self,
        entry_shape: Sequence[int],
        context_size: int,
        latent: int,
        channels: Sequence[int] | None,
        decoder: Sequence[int] | None,
        activation: str,
        weights: Mapping[str, float],
        critic_every: int,
        critic_lr: float,
        latent_critic_lr: float,
        warm_up: int,
        ema: float,
    ) -> None:
        super().__init__(entry_shape, "none")
        self.automatic_optimization = False
        self.context_size, self.latent, self.weights = context_size, latent, dict(weights)
        self.critic_every, self.warm_up = critic_every, warm_up
        self.critic_lr, self.latent_critic_lr = critic_lr, latent_critic_lr
        known = context_size + 1
        self.units = ShowerUnits(context_size)
        self.maker = ShowerMaker(self.entry_shape, known, latent, decoder, activation)
        self.average = MovingAverage(self.maker, ema)
        self.critic = ShowerCritic(self.entry_shape, known, channels, activation)
        self.latent_critic = latent_critic(activation)
        self._validated: list[Batch] = []

    def prepare(self, train: Batch) -> None:
        """Take the units of cells, and the distribution of totals given the context, of training showers."""
        self.units.fit(train.x, train.context, train.weight)
        roots = self.units.cells(train.x)
        for maker in (self.maker, self.average.network):
            maker.decoder.fit(roots)

    def represent(self, batch: Batch) -> Showers:
        """Return showers as the networks see them."""
        batch = in_precision(batch, self.precision)
        showers: Showers = self.units(batch.x, batch.context)
        return showers

    def draw(self, *shape: int) -> Tensor:
        """Return draws of N(0, 1) `(B, …)`, for the batch of all processes."""
        dtype = weight_dtype(self.precision)
        return draw_for_batch(lambda whole: torch.randn(*whole, device=self.device, dtype=dtype), shape, self.device)

    def views(self, roots: Tensor, original: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the critic sees: shares, logarithms, and differences of the roots from the originals."""
        cells = self.units.cells
        return cells.of_core(cells.inverse(roots)), cells.logarithms(roots), roots - original

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Take a step of the autoencoder and, when their turn has come, of both critics and the correction of cells."""
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        showers = self.represent(drawn_from_batch(batch))
        n = len(showers.known)
        code_noise, cell_noise = self.draw(n, self.latent), self.draw(n, *self.entry_shape)
        turn, compares = self.step_kind(batch_idx)
        if turn:
            self._critic_steps(showers, code_noise, cell_noise, optimizers)
        decoded = self._autoencoder_step(showers, code_noise, cell_noise, turn, optimizers[0])
        if turn:
            some = Showers(showers.roots[:_COMPARED], showers.known[:_COMPARED])
            self._correction_step(some, decoded[:_COMPARED].detach(), compares, optimizers[3])
        self.average.update(self.maker)

    def step_kind(self, batch_idx: int) -> tuple[bool, bool]:
        """Return whether critics and correction have their turn, and whether spectra of cells are compared already."""
        # Counted by the loop: a value read from a GPU would wait for it.
        seen: int = self.trainer.fit_loop.total_batch_idx
        return seen % self.critic_every == 0, self.current_epoch >= self.warm_up

    def _critic_steps(
        self, showers: Showers, code_noise: Tensor, cell_noise: Tensor, optimizers: Sequence[LightningOptimizer]
    ) -> None:
        with torch.no_grad():
            mean, log_variance = self.maker.encode(showers)
            code = mean + (0.5 * log_variance).exp() * code_noise
            made = self.views(drawn_cells(self.maker.decode(code, showers.known), cell_noise), showers.roots)
            real = self.views(showers.roots, showers.roots)
        loss = critic_loss(self.critic(*real, showers.known), self.critic(*made, showers.known))
        penalty = gradient_penalty(self.critic, real, made, [showers.known])
        self._log("critic", loss, len(code))
        self.take_step(optimizers[1], loss + _PENALTY * penalty, self.critic.parameters())
        one, other = self.draw(*code.shape).view(-1, 1), code.reshape(-1, 1)
        loss = critic_loss(self.latent_critic(one), self.latent_critic(other))
        penalty = gradient_penalty(self.latent_critic, [one], [other])
        self._log("latent_critic", loss, len(code))
        self.take_step(optimizers[2], loss + _PENALTY * penalty, self.latent_critic.parameters())

    def _autoencoder_step(
        self, showers: Showers, code_noise: Tensor, cell_noise: Tensor, judged: bool, optimizer: LightningOptimizer
    ) -> Tensor:
        critics = (self.critic, self.latent_critic)
        for critic in critics:
            critic.requires_grad_(False)
        mean, log_variance = self.maker.encode(showers)
        code = mean + (0.5 * log_variance).exp() * code_noise
        cells = self.maker.decode(code, showers.known)
        decoded = drawn_cells(cells, cell_noise)
        nll = hurdle_nll(at_least_float32(showers.roots), Cells(*map(at_least_float32, cells)))
        terms = {
            "latent_critic": -self.latent_critic(code.reshape(-1, 1)).mean(),
            "kl": kl_to_unit_normal(mean, log_variance).sum(dim=1).mean(),
            "latent_mmd": mean_discrepancy(code, self.draw(*code.shape), _LATENT_WIDTHS),
            "reconstruction": nll.flatten(1).sum(dim=1).mean().to(code.dtype),
        }
        if judged:
            terms["critic"] = -self.critic(*self.views(decoded, showers.roots), showers.known).mean()
        total = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        # The distribution of codes learns from them, and teaches them nothing.
        codes = self.maker.codes.nll(code.detach(), showers.known).mean()
        for name in ("kl", "latent_mmd", "reconstruction"):
            self._log(name, terms[name], len(code))
        self._log("autoencoder", total, len(code))
        self._log("codes", codes, len(code))
        parts = (self.maker.encoder, self.maker.decoder, self.maker.codes)
        self.take_step(optimizer, total + codes, [weight for part in parts for weight in part.parameters()])
        for critic in critics:
            critic.requires_grad_(True)
        return decoded

    def _correction_step(
        self, showers: Showers, decoded: Tensor, compares: bool, optimizer: LightningOptimizer
    ) -> None:
        corrected = self.maker.correct(decoded, showers.known)
        # At first it learns to change nothing.
        loss = F.mse_loss(corrected, decoded)
        if compares:
            spectra = sorted_cells_discrepancy(corrected, showers.roots, _WINDOW, _CELL_WIDTH)
            loss = loss + self.weights["cells_mmd"] * spectra
        self._log("correction", loss, len(decoded))
        self.take_step(optimizer, loss, self.maker.correction.parameters())

    def _log(self, name: str, value: Tensor, n: int) -> None:
        self.log(f"train/loss_{name}", value, on_step=False, on_epoch=True, batch_size=n)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the reconstruction, and keep the first showers of the validation part for the end of the epoch."""
        showers, n = self.represent(drawn_by_weight(batch)), len(batch.x)
        nll, kl = self.averaged_terms(showers)
        size = showers.roots[0].numel()
        # The bound of ln p, per cell: distances of samples rise at first, for cells alone begin with the right spread.
        codes = self._codes_term(showers, batch_idx)
        loss = self.weights["reconstruction"] * nll.mean() + (self.weights["kl"] * kl.mean() + codes) / size
        self.log("val/codes", codes, batch_size=n)
        self.log("val/loss", loss, batch_size=n, prog_bar=True)
        self.log("val/reconstruction", nll.mean(), batch_size=n)
        self.log("val/kl", kl.mean(), batch_size=n)
        rank, n_processes = place_in_training()
        wanted = len(range(rank, WATCHED, n_processes)) - sum(len(kept.x) for kept in self._validated)
        if wanted > 0:
            kept = drawn_by_weight(batch)
            self._validated.append(
                Batch(kept.x[:wanted], context=None if kept.context is None else kept.context[:wanted])
            )

    def averaged_terms(self, showers: Showers) -> tuple[Tensor, Tensor]:
        """Return −ln p of cells given the mean code, per cell, and KL `(B,)` each, of the averaged networks."""
        nll, kl = self.cell_terms(showers)
        return nll.flatten(1).mean(dim=1), kl

    def cell_terms(self, showers: Showers) -> tuple[Tensor, Tensor]:
        """Return −ln p of each cell given the mean code, `(B, *entry_shape)`, and KL `(B,)`, of averaged networks."""
        maker = self.average.network
        mean, log_variance = maker.encode(showers)
        cells = Cells(*map(at_least_float32, maker.decode(mean, showers.known)))
        return hurdle_nll(at_least_float32(showers.roots), cells), kl_to_unit_normal(mean, log_variance).sum(dim=1)

    def _codes_term(self, showers: Showers, seed: int) -> Tensor:
        """Return the mean of ln N(z) − ln p(z) of codes, `()`: with KL, the distance to what codes are drawn from."""
        maker = self.average.network
        mean, log_variance = maker.encode(showers)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed)).to(mean)
        code = mean + (0.5 * log_variance).exp() * noise
        return (maker.codes.nll(code, showers.known) - 0.5 * code.square().sum(dim=1)).mean()

    def on_validation_epoch_end(self) -> None:
        """Log the energy distance of summaries of validation showers and of as many made up with their context."""
        own = {"x": torch.cat([kept.x for kept in self._validated])} if self._validated else {}
        if self._validated and self.context_size:
            own["context"] = torch.cat([kept.context for kept in self._validated if kept.context is not None])
        found = gather_interleaved(own) if place_in_training()[1] > 1 else own
        self._validated = []
        real = Batch(
            found["x"].to(self.device), context=found["context"].to(self.device) if self.context_size else None
        )
        self.log("val/distance", self.distance(real))

    @torch.no_grad()
    def distance(self, real: Batch) -> Tensor:
        """Return the energy distance `()` of summaries of real showers and of made-up ones with the same context."""
        showers, generator = self.represent(real), torch.Generator().manual_seed(0)
        n, dtype = len(real.x), showers.roots.dtype
        drawn = [torch.randn(n, *shape, generator=generator) for shape in ((self.latent,), self.entry_shape)]
        with eval_mode(self):
            latent, noise = (values.to(self.device, dtype) for values in drawn)
            made = self.average.network.make(latent, noise, showers.known)
        summaries = [
            shower_summary(self.units.cells.inverse(cells), cells)
            for cells in map(at_least_float32, (showers.roots, made))
        ]
        spread = summaries[0].std(dim=0).clamp(min=_LEAST_SPREAD)
        centre = summaries[0].mean(dim=0)
        return energy_distance(distances(*((summary - centre) / spread for summary in summaries)))

    def configure_optimizers(self) -> Any:
        """Build one optimiser of the autoencoder, of each critic, and of the correction of cells."""
        parts = (self.maker.encoder, self.maker.decoder, self.maker.codes)
        autoencoder = [weight for part in parts for weight in part.parameters()]
        optimizers = [
            self.optimizer_factory(autoencoder),
            self.optimizer_factory(self.critic.parameters(), lr=self.critic_lr),
            self.optimizer_factory(self.latent_critic.parameters(), lr=self.latent_critic_lr),
            self.optimizer_factory(self.maker.correction.parameters()),
        ]
        factory = self.scheduler_factory
        return optimizers, [] if factory is None else [factory(optimizer) for optimizer in optimizers]
