"""The bounded information bottleneck autoencoder: showers of a calorimeter, made up given their energy."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import Diagnostic, GeneratedEntries
from hepad.core.float32 import computed_in, in_precision
from hepad.models.base import eval_mode
from hepad.models.bottleneck import BottleneckSteps
from hepad.models.capabilities import conditions_to_sample, draw_normal, sampling
from hepad.nn.shower_networks import mean_cells

SCORES: Final = ("reconstruction", "critic", "kl", "total")

_SHOWN: Final = 2000


class BIBAE(BottleneckSteps):
    """An autoencoder of showers whose bottleneck is bounded and whose reconstructions play against critics (BIB-AE).

    Voloshynovskiy et al., arXiv:1912.00830; of calorimeter showers Buhmann et al., arXiv:2005.05334. A shower x of
    total T is seen as √(s / s₀) of the shares s = x / T of its cells (`hepad.nn.cell_shares`), and T apart, as r,
    N(0, 1) given the context (`hepad.nn.total_given_context`). All networks are told of context and r. Encoder E and
    decoder D minimise

        reconstruction·⟨−ln p(x | z)⟩ + beta·KL − critic·C(x̂, x) − latent_critic·C_z(z) + latent_mmd·MMD(z, N(0, 1))

    with z a draw of N(μ, σ²) = E(x) and x̂ of D(z), whose cells pass a hurdle and are normal above it
    (`hepad.nn.shower_networks`). C sees shares, logarithms and the difference from x, and C_z single latent variables;
    both measure Wasserstein distances, with a penalty on their slope. Convolutions of 1 × 1 × 1 correct cells: at first
    they learn to change nothing, then `cells_mmd` times the mean discrepancy of sorted cells too. A flow learns the
    codes that E gives (`hepad.nn.code_flow`), which a bounded bottleneck leaves only near N(0, 1). A moving average of
    all this makes showers up: r is drawn, z by the flow, and the noise of cells; the context gives T, and cells are
    scaled to it.

    | `score` | |
    |---|---|
    | `reconstruction` | −ln p of its cells given μ, per cell |
    | `critic` | −C of the shower beside itself |
    | `kl` | KL of its code |
    | `total` | r²/2, how unusual its total is for its context |

    Args:
        entry_shape: `(C, D, H, W)` of one entry; no cell is below 0 but for noise, which counts as 0.
        context_size: number of observables that it is conditioned on, such as the incident energy.
        latent: number of latent variables.
        discriminator: channels of the convolutions of the critic; None for 16, 32, … by the size.
        generator: widths of the decoder, mirrored in the encoder; None for 128, 256.
        activation: name of the activation function.
        critic, latent_critic, beta, latent_mmd, reconstruction, cells_mmd: weights of the terms.
        critic_every: batches from one in which critics judge, and step, as the correction does, to the next.
        discriminator_lr: learning rate of the critic; the autoencoder's is that of the optimiser.
        latent_critic_lr: learning rate of the latent critic.
        warm_up: epochs before the correction of cells learns more than to change nothing.
        gradient_clip: largest norm of each optimiser's gradients; None for no limit.
        ema: decay of the moving average of the weights, which scores and samples.
        score: one of the above.

    Raises:
        ValueError: other values.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import BIBAE
    >>> _ = torch.manual_seed(0)
    >>> energy = 10 + 90 * torch.rand(64, 1)
    >>> showers = Batch(energy[:, :, None, None, None] * torch.rand(64, 1, 4, 4, 4), context=energy)
    >>> model = BIBAE((1, 4, 4, 4), context_size=1)
    >>> model.prepare(showers)
    >>> model.anomaly_score(showers).shape
    torch.Size([64])
    >>> model.sample(torch.tensor([[20.0], [80.0]]), torch.Generator().manual_seed(0)).x.shape
    torch.Size([2, 1, 4, 4, 4])
    """

    def __init__(
        self,
        entry_shape: Sequence[int],
        context_size: int = 0,
        latent: int = 16,
        discriminator: Sequence[int] | None = None,
        generator: Sequence[int] | None = None,
        activation: str = "leaky_relu",
        critic: float = 1.0,
        latent_critic: float = 1.0,
        beta: float = 1.0,
        latent_mmd: float = 10.0,
        reconstruction: float = 1.0,
        cells_mmd: float = 5.0,
        critic_every: int = 4,
        discriminator_lr: float = 5e-4,
        latent_critic_lr: float = 2e-3,
        warm_up: int = 3,
        gradient_clip: float | None = None,
        ema: float = 0.999,
        score: str = "reconstruction",
    ) -> None:
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        weights = {
            "critic": critic,
            "latent_critic": latent_critic,
            "kl": beta,
            "latent_mmd": latent_mmd,
            "reconstruction": reconstruction,
            "cells_mmd": cells_mmd,
        }
        for name, value in weights.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}={value}; 0 or a positive weight is needed")
        if critic_every < 1 or warm_up < 0:
            raise ValueError(f"critic_every={critic_every}, warm_up={warm_up}; at least 1, and 0, are needed")
        if min(discriminator_lr, latent_critic_lr) <= 0:
            raise ValueError(
                f"discriminator_lr={discriminator_lr}, latent_critic_lr={latent_critic_lr}; positive rates are needed"
            )
        super().__init__(
            entry_shape,
            context_size,
            latent,
            discriminator,
            generator,
            activation,
            weights,
            critic_every,
            discriminator_lr,
            latent_critic_lr,
            warm_up,
            ema,
        )
        self.save_hyperparameters()
        self.gradient_clip, self.score = gradient_clip, score

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for −ln p and −C."""
        return settings.get("score", "reconstruction") in ("reconstruction", "critic")

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return every score of `SCORES`, `(B,)` each; `score` chooses one."""
        showers = self.represent(batch)
        nll, kl = self.averaged_terms(showers)
        of_itself = self.views(showers.roots, showers.roots)
        return {
            "reconstruction": nll,
            "critic": -self.critic(*of_itself, showers.known),
            "kl": kl,
            "total": 0.5 * showers.known[:, -1].square(),
        }

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores chosen by `score`."""
        return self.score_parts(batch)[self.score]

    def contributions(self, batch: Batch) -> Tensor | None:
        """Return −ln p of each cell over the number of cells, where their mean is the score; see `Explaining`.

        Whether a cell is hit has no gradient, so that integrated gradients would miss it.
        """
        if self.score != "reconstruction":
            return None
        with eval_mode(self), computed_in(self.precision, self.device.type):
            terms, _ = self.cell_terms(self.represent(batch))
        return terms / terms[0].numel()

    def reconstruct_raw(self, batch: Batch) -> Tensor:
        """Return what cells hold on average given μ, in raw units, each shower with its own total."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            showers = self.represent(batch)
            maker = self.average.network
            decoded = mean_cells(maker.decode(maker.encode(showers)[0], showers.known))
            x = in_precision(batch, self.precision).x
            return self.units.rescaled(decoded, x).to(x.dtype)

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return made-up showers in raw units; see `Generative`."""
        wanted = conditions_to_sample(self, n, self.context_size)
        count = len(wanted.x)
        code = draw_normal((count, 1 + self.latent), generator, self)
        noise = draw_normal((count, *self.entry_shape), generator, self)
        with sampling(self):
            r, z = code[:, 0].double(), code[:, 1:]
            known = self.units.known(r, wanted.context, code.dtype)
            return Batch(self.units.raw(self.average.network.make(z, noise, known), r, wanted.context).float().cpu())

    @torch.no_grad()
    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show made-up showers beside the background."""
        real = drawn_by_weight(take_rows(samples[background], slice(_SHOWN)))
        wanted = len(real.x) if real.context is None or not self.context_size else real.context
        made = self.sample(wanted, torch.Generator().manual_seed(0))
        yield GeneratedEntries("Made-up showers", real, made.x)
