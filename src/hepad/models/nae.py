"""The normalised autoencoder: what it reconstructs well and never saw is made up, and unlearned."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.nn import functional as F

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import Diagnostic, GeneratedEntries, TrainingCurves
from hepad.core.errors import JobError
from hepad.core.schema import Structure
from hepad.losses.base import weighted_mean
from hepad.models.base import eval_mode
from hepad.models.energy_chains import ChainSettings, EnergyChains
from hepad.models.own_network import chosen_network
from hepad.models.reconstruction import ReconstructionModel
from hepad.models.transport import smoothed_wasserstein, wasserstein
from hepad.nn.blur import GaussianBlur
from hepad.nn.networks import latent_size
from hepad.nn.trunks import Decoder

OBJECTIVES: Final = ("energy", "wasserstein")

_WIDEST_BLUR: Final = 0.3
_COMPARED: Final = 256
_SHOWN: Final = 1000


class NormalizedAutoencoder(ReconstructionModel):
    """An autoencoder whose reconstruction error is the energy of a density p ∝ exp(−E) (Yoon et al., arXiv:2105.05735).

    A plain autoencoder makes E small where background is; nothing makes it large elsewhere. Maximum likelihood does:
    its gradient is that of ⟨E(x)⟩ − ⟨E(x⁻)⟩, with x⁻ draws of the model's own density. These are made by Langevin
    steps: codes go down E(D(z)) from where earlier steps left them, are decoded, and the entries go down E(x).

    | objective | minimised after the first `pretrain` epochs |
    |---|---|
    | `energy` | ⟨E(x)⟩ − ⟨E(x⁻)⟩ + γ (⟨E(x)²⟩ + ⟨E(x⁻)²⟩) |
    | `wasserstein` | ⟨E(x)⟩ + W(x, x⁻), with gradients through the last steps of x⁻ |

    E is here the mean squared error over that of the mean training entry, so that 1 is as bad as to know nothing. W is
    the squared Wasserstein distance of a batch and as many x⁻ in the same unit. By that of validation entries the epoch
    is chosen where the chain makes what the background is, without labels, as in the variant of CMS (arXiv:2510.02168):
    `val/loss` is W / (1 + W), and 1 + ⟨E⟩ in the first epochs, so that none of these is taken where there is another;
    the penalty of `decorrelate` is added to W and to ⟨E⟩.

    Args:
        entry_shape: `(F,)` or `(C, H, W)`.
        normalizer: kind of input normaliser.
        network: `dense`, `conv`, or `auto` by the shape of the entry;
            or the config `{_target_: …}` of a module of your own (`hepad.models.own_network`).
        hidden: widths of the encoder's layers (channels for `conv`), mirrored in the decoder; None for the network's
            own.
        latent: width of the code; None for half as many as features, and for 8 of images.
        activation: name of the activation function.
        spherical: codes lie on the unit sphere, where no direction is without end.
        blur: of images before anything else: width of a Gaussian over the shorter side; 0 for none.
        pretrain: first epochs, of a plain autoencoder.
        lr_factor: the learning rate after them, over that before.
        energy_weight: γ.
        objective: one of the above.
        chains: codes that are kept from step to step; at least as many as a batch has entries.
        replay: share of the codes that go on from there; the others start anew.
        latent_steps, latent_rate, latent_noise: Langevin steps of codes.
        entry_steps, entry_rate, entry_noise: those of entries; the rate is the share of the error that a step takes
            away, the noise in units of the spread of the background.
        circular: φ (H) of images is a ring.

    Raises:
        ValueError: an unknown objective, or a value outside its range.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import NormalizedAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = NormalizedAutoencoder((4,), latent=2, hidden=[8])
    >>> model.prepare(Batch(torch.randn(256, 4)))
    >>> model.anomaly_score(Batch(torch.randn(3, 4))).shape, model.made(5).shape
    (torch.Size([3]), torch.Size([5, 4]))
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "image"})
    monitors: ClassVar[tuple[str, ...]] = (
        "val/loss",
        "val/wasserstein",
        "val/energy",
        "val/mae",
        "train/loss",
    )
    one_process: ClassVar[bool] = True

    spread: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        normalizer: str = "standard",
        network: str | Mapping[str, Any] = "auto",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        activation: str = "leaky_relu",
        spherical: bool = True,
        blur: float = 0.0,
        pretrain: int = 20,
        lr_factor: float = 0.1,
        energy_weight: float = 1.0,
        objective: str = "energy",
        chains: int = 1024,
        replay: float = 0.95,
        latent_steps: int = 8,
        latent_rate: float = 5.0,
        latent_noise: float = 0.05,
        entry_steps: int = 8,
        entry_rate: float = 0.15,
        entry_noise: float = 0.05,
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, {"_target_": "hepad.losses.MSE"}, normalizer)
        if objective not in OBJECTIVES:
            raise ValueError(f"objective {objective!r}; allowed: {', '.join(OBJECTIVES)}")
        if not 0 <= blur <= _WIDEST_BLUR:
            raise ValueError(f"blur={blur}; a width from 0 to {_WIDEST_BLUR} of an image's shorter side is needed")
        if spherical and latent == 1:
            raise ValueError("latent=1: a sphere of one dimension is two points; choose 2, or spherical=false")
        self.save_hyperparameters()
        self.objective, self.pretrain = objective, pretrain
        self.lr_factor, self.energy_weight = lr_factor, energy_weight
        is_image = len(self.entry_shape) == 3
        self.blur = GaussianBlur(blur * min(self.entry_shape[1:]), circular) if is_image and blur else None
        latent = latent_size(latent, network, self.entry_shape, part=2, of_whole=8)
        latent = max(2, latent) if spherical else latent
        how = {"hidden": hidden, "activation": activation, "dropout": 0.0, "circular": circular}
        self.network = chosen_network(network, self.entry_shape, latent, latent, **how)
        self.on_sphere = _OnSphere() if spherical else nn.Identity()
        settings = ChainSettings(replay, latent_steps, latent_rate, latent_noise, entry_steps, entry_rate, entry_noise)
        self.chains = EnergyChains(settings, chains, latent, self.entry_shape, spherical)
        self.register_buffer("spread", torch.ones(()))
        self._validated: list[Tensor] = []
        self._penalties: list[tuple[Tensor, Tensor | int]] = []

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, the range of entries and their spread, all on blurred images."""
        super().prepare(train)
        z = self.normalizer(self.view(train).x)
        self.chains.fit(z)
        mean = z.double().mean(dim=0) if train.weight is None else _weighted_mean_entry(z, train.weight)
        each = (z - mean.to(z)).square().flatten(1).mean(dim=1)
        spread = weighted_mean(each, train.weight)
        self.spread.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def view(self, batch: Batch) -> Batch:
        """Return images blurred, anything else as it is."""
        return batch if self.blur is None else batch._replace(x=self.blur(batch.x))

    def code(self, z: Tensor) -> Tensor:
        """Return the codes `(B, L)` of normalised entries."""
        code: Tensor = self.on_sphere(self.network.encode(z))
        return code

    def decoder(self) -> nn.Module:
        """Return the network from codes, put on the sphere, to normalised entries."""
        return nn.Sequential(self.on_sphere, Decoder(self.network))

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction of normalised entries."""
        return self.network.decode(self.code(z))

    def limit_on_copying(self) -> str:
        """Return the chain."""
        return "only the energies of the chain keep"

    def loss_terms(self, batch: Batch) -> Tensor | None:
        """Return what sums to the score of each entry; of blurred images by the pixels before the blur."""
        terms = super().loss_terms(batch)
        return terms if terms is None or self.blur is None else self.blur.back_to_sources(terms, batch.x.to(terms))

    def energy(self, z: Tensor) -> Tensor:
        """Return E `(B,)` of normalised entries: their mean squared error over that of the mean training entry."""
        error: Tensor = self.loss(self.reconstruct(z), z)
        return error / self.spread

    def step_kind(self, batch_idx: int) -> bool:
        """Return whether the first epochs, of a plain autoencoder, are over."""
        return self.current_epoch >= self.pretrain

    def on_train_epoch_start(self) -> None:
        """Begin with the chain: slower steps of the weights, and codes of where the encoder maps by now."""
        if self.current_epoch == self.pretrain:
            self.chains.restart()
            for optimizer in self.trainer.optimizers:
                for group in optimizer.param_groups:
                    # On a GPU a tensor, at which a recorded step looks where it lies.
                    group["lr"] = group["lr"] * self.lr_factor

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean energy of the batch, after the first epochs against that of the chain."""
        total = self.total_weight(batch)
        z = self.normalizer(self.view(batch).x)
        energies = self.energy(z)
        loss = energy = weighted_mean(energies, batch.weight, total)
        self.log("train/energy", energy, on_step=False, on_epoch=True, batch_size=total)
        if self.step_kind(batch_idx):
            follow = self.objective == "wasserstein"
            made = self.chains.step(len(z), self.energy, self.network.decode, self.spread, follow)
            of_chain = self.energy(made)
            self.log("train/energy_of_chain", of_chain.mean(), on_step=False, on_epoch=True, batch_size=total)
            if follow:
                loss = energy + smoothed_wasserstein(z, made) / self.spread
            else:
                squares = weighted_mean(energies.square(), batch.weight, total) + of_chain.square().mean()
                loss = energy - of_chain.mean() + self.energy_weight * squares
        return self.train_by(loss, batch, total)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the energy, and keep some entries and the penalty for `on_validation_epoch_end`."""
        total, z = self.total_weight(batch), self.normalizer(self.view(batch).x)
        z_hat = self.reconstruct(z)
        errors = self.loss(z_hat, z)
        self.log("val/energy", weighted_mean(errors / self.spread, batch.weight, total), batch_size=total)
        self.log("val/mae", weighted_mean(self.mae(z_hat, z), batch.weight, total), batch_size=total)
        if sum(map(len, self._validated)) < _COMPARED:
            self._validated.append(z)
        if self.decorrelation is not None:
            penalty = self.decorrelation_penalty("val", batch, total, errors)
            self._penalties.append((penalty.detach() * total, total))

    def on_validation_epoch_end(self) -> None:
        """Log the distance of validation entries to as many of the chain, made with the same numbers in every epoch.

        Raises:
            JobError: energies that are no numbers any more.
        """
        z = torch.cat(self._validated)[:_COMPARED]
        self._validated.clear()
        penalty = float(sum(value for value, _ in self._penalties) / (sum(total for _, total in self._penalties) or 1))
        self._penalties.clear()
        if self.trainer.state.fn != TrainerFn.FITTING or self.trainer.sanity_checking:
            return
        if not self.step_kind(0):
            self.chains.look_at(self.code(z))
        made = self.made_of(len(z), 0, self.step_kind(0))
        energy = float(self.energy(made).mean())
        if not math.isfinite(energy):
            raise JobError(
                f"the energies of model=nae are {energy:g} after epoch {self.current_epoch + 1}: lower optimizer.lr or "
                "model.lr_factor, or raise model.energy_weight"
            )
        distance = wasserstein(z, made) / float(self.spread)
        self.log("val/energy_of_chain", energy, batch_size=len(z))
        self.log("val/wasserstein", distance, batch_size=len(z))
        found = distance if self.step_kind(0) else float(self.energy(z).mean())
        # A correlation estimated below 0 is none: the first epochs stay above 1, the others below it.
        found = max(0.0, found + penalty)
        loss = found / (1 + found) if self.step_kind(0) else 1 + found
        self.log("val/loss", loss, batch_size=len(z), prog_bar=True)

    def made_of(self, n: int, seed: int, replay: bool = True) -> Tensor:
        """Return `(n, *entry_shape)` normalised entries of the chain, which stays where it is."""
        generator = torch.Generator().manual_seed(seed)
        with eval_mode(self):
            return self.chains.draw(n, self.energy, self.network.decode, self.spread, generator, replay)

    def made(self, n: int, seed: int = 0) -> Tensor:
        """Return `(n, *entry_shape)` entries of the chain in raw units; of images blurred ones."""
        with torch.no_grad():
            return self.normalizer.inverse(self.made_of(n, seed))

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show entries of the chain beside real ones, and the energies of both through the epochs."""
        real = take_rows(drawn_by_weight(samples[background]), slice(_SHOWN))
        if self.normalizer.kind != "layer":
            with torch.no_grad():
                seen = self.view(Batch(real.x.to(self.device))).x.cpu()
                made = self.made(len(real.x)).float().cpu()
            yield GeneratedEntries("Entries of the chain", real._replace(x=seen), made)
        yield TrainingCurves(
            "nae_chain",
            "Energies of background and chain, and the distance between the two",
            {
                "Energy": ("train/energy", "train/energy_of_chain"),
                "Energy in validation": ("val/energy", "val/energy_of_chain"),
                "Wasserstein distance": ("val/wasserstein",),
            },
        )


class _OnSphere(nn.Module):
    """Codes `(B, L)` of length 1."""

    def forward(self, codes: Tensor) -> Tensor:
        return F.normalize(codes, dim=1)


def _weighted_mean_entry(z: Tensor, weight: Tensor) -> Tensor:
    counted = weight.double().reshape(-1, *[1] * (z.ndim - 1))
    return (z.double() * counted).sum(dim=0) / counted.sum()
