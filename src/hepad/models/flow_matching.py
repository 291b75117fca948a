"""Flow matching: the velocity that moves entries into noise, and its form as diffusion."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import Diagnostic, Remark
from hepad.core.errors import UserError
from hepad.core.float32 import at_least_float32, computed_in, exact_float32, in_precision
from hepad.core.schema import Structure
from hepad.models import density_checks
from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.capabilities import conditions_to_sample, draw_normal, filled_slots, sampling
from hepad.models.volume_vectors import VolumeVectors, made_beside
from hepad.nn import matching
from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.ema import MovingAverage
from hepad.nn.epic import SetVelocity
from hepad.nn.generators import filled_by_pt
from hepad.nn.paths import PATHS
from hepad.nn.velocity import VectorVelocity

SCORES: Final = ("auto", "velocity", "nll", "norm")

MOST_NOISES: Final = 256
_GENERATED: Final = 2000
_OF_VOLUMES: Final = (384, 384, 384)


class FlowMatching(AnomalyModel):
    """A velocity field v(y, t) that moves entries at t = 0 into N(0, 1) at t = 1 (Lipman et al., arXiv:2210.02747).

    | objective | path of an entry z and noise ε | the network is trained to name |
    |---|---|---|
    | `velocity` | (1 − t) z + (σ + (1 − σ) t) ε, σ = 10⁻⁴ | the velocity (1 − σ) ε − z |
    | `noise` | z cos πt/2 + ε sin πt/2, diffusion | ε; the velocity follows from it (`hepad.nn.paths.Path`) |

    z are fixed coordinates of each column (`hepad.nn.Coordinates`). The network is a perceptron
    (`hepad.nn.VectorVelocity`), of sets one of EPiC layers (`hepad.nn.SetVelocity`), given the context if there is one.
    Volumes are vectors of the shares of their cells, and their total is drawn apart (`hepad.models.volume_vectors`).
    Backwards in time, by the midpoint rule, noise becomes an entry; forwards, by Runge and Kutta's, with the trace of
    the Jacobian, an entry has the density ln p(x) = ln N(y(1)) + ∫ tr ∂v/∂y dt + Σ ln |dz/dx|.

    | score | value |
    |---|---|
    | `velocity` | mean square error of the velocity, at `noises` times and noises that are the same for all entries |
    | `nll` | −ln p(x), of a model with a context −ln p(x given c); of entries of at most `exact_up_to` numbers |
    | `norm` | ‖y(1)‖², how far from the middle of the noise an entry ends |
    | `auto` | `nll` where it can be had, else `velocity` |

    The density of a set is p(n) n! p(its objects in any order), that of its objects in the order in which they come,
    as by falling pT. No score sees the order. Where there are no objects the error is 0.

    Args:
        entry_shape, context_size, coordinates, periodic, dequantize: those of `Flow`.
        objective: one of the above.
        hidden: widths of the layers; None for three of 128, of volumes 384, of sets for three EPiC layers of 64.
        latent: of sets, width of the vector of the whole event.
        ema: decay of the moving average of the weights, which scores and samples; 0 for none.
        n_steps: steps of the midpoint rule; half as many of Runge and Kutta's.
        noises: pairs of a time and a noise that `velocity` is the mean of.
        exact_up_to: numbers of an entry up to which ln p is computed; each costs as much as one more evaluation.
        score: one of the above.

    Raises:
        ValueError: an unknown objective, coordinates or score.
        UserError: `nll` of entries of more numbers than `exact_up_to`.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import FlowMatching
    >>> _ = torch.manual_seed(0)
    >>> model = FlowMatching((2,), hidden=[16], score="nll")
    >>> model.prepare(Batch(torch.randn(256, 2)))
    >>> batch = Batch(torch.randn(4, 2))
    >>> torch.equal(model.anomaly_score(batch), -model.log_prob(batch))
    True
    >>> model.sample(3, torch.Generator().manual_seed(0)).x.shape
    torch.Size([3, 2])
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "volume"})
    context_use = "condition"

    log_share: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        context_size: int = 0,
        objective: str = "velocity",
        hidden: Sequence[int] | None = None,
        latent: int = 16,
        coordinates: str = "rank_gaussian",
        periodic: Sequence[int] | None = None,
        dequantize: bool = True,
        ema: float = 0.999,
        n_steps: int = 30,
        noises: int = 16,
        exact_up_to: int = 10,
        score: str = "auto",
    ) -> None:
        super().__init__(entry_shape, "none")
        if objective not in PATHS:
            raise ValueError(f"objective {objective!r}; allowed: {', '.join(PATHS)}")
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        if not 1 <= noises <= MOST_NOISES or n_steps < 1:
            raise ValueError(f"noises={noises}, n_steps={n_steps}; 1 to {MOST_NOISES}, and at least 1, are needed")
        self.save_hyperparameters()
        self.context_size, self.n_steps, self.noises = context_size, n_steps, noises
        self.of_sets, of_volumes = len(self.entry_shape) == 2, len(self.entry_shape) == 4
        self.n_numbers, self.exact_up_to = math.prod(self.entry_shape), exact_up_to
        self.volumes = VolumeVectors(self.entry_shape, context_size) if of_volumes else None
        self.vector_shape = (self.n_numbers,) if of_volumes else self.entry_shape
        self.is_exact = self.n_numbers <= exact_up_to
        if score == "nll" and not self.is_exact:
            raise UserError(self._too_many)
        self.score = score if score != "auto" else "nll" if self.is_exact else "velocity"
        self.coordinates = Coordinates(coordinates, self.vector_shape[-1], periodic or (), dequantize)
        self.path = PATHS[objective]()
        context_size += of_volumes
        self.network: VectorVelocity | SetVelocity = matching.velocity_field(
            self.path, self.vector_shape, context_size, _OF_VOLUMES if hidden is None and of_volumes else hidden, latent
        )
        self.average = MovingAverage(self.network, ema) if ema else None
        self.context = ContextScale(context_size)
        n_shares = 1 + (self.entry_shape[0] if self.of_sets else 0)
        self.register_buffer("log_share", torch.full((n_shares,), -math.log(n_shares)))
        self.fixed = matching.FixedNoise(self.vector_shape, MOST_NOISES)

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for ln p."""
        return str(settings.get("score", "auto")) in ("auto", "nll")

    def prepare(self, train: Batch) -> None:
        """Fit the coordinates and the range of the context on training entries, and count the objects of sets."""
        if self.volumes is not None:
            self.volumes.fit(train)
        train = self._vectors(train)
        self.context.fit(train.context)
        if self.of_sets:
            self.log_share.copy_(density_checks.fit_objects(self.coordinates, train, self.entry_shape[0]))
        else:
            self.coordinates.fit(train.x, train.weight)

    def remarks(self) -> list[str]:
        """Name constant columns, and columns of whole numbers that are not dequantised."""
        return density_checks.column_remarks(self.coordinates)

    def training_step(self, batch: Batch, batch_idx: int) -> Any:
        """Return the mean loss; the moving average takes the weights that the step before left."""
        if self.average is not None:
            self.average.update(self.network)
        return super().training_step(batch, batch_idx)

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` errors of what the network names, each at one time and noise.

        In training these are drawn anew, and entries are smeared where they have no density. In validation they belong
        to the place of an entry in its batch, the same in every epoch.
        """
        batch = self._vectors(batch)
        if self.training:
            batch = density_checks.smeared_in_training(self.coordinates, batch)
        z, _, mask, given = self._mapped(batch)
        t, noise = matching.drawn_pairs(z) if self.training else self.fixed.by_place(len(z))
        errors = matching.velocity_errors(self._field, self.path, z, noise, t, mask, given)
        return errors * self.path.weight(t).to(errors.dtype)

    def log_prob(self, batch: Batch) -> Tensor:
        """Return ln p(x), or ln p(x | c), `(B,)` in raw units; see `Density`.

        Raises:
            UserError: more than `exact_up_to` numbers in an entry.
        """
        if not self.is_exact:
            raise UserError(self._too_many)
        with eval_mode(self), computed_in(self.precision, self.device.type):
            return self._followed(in_precision(batch, self.precision), exact=True)[1]

    def latent(self, batch: Batch) -> Tensor:
        """Return where entries end `(B, F)`, of sets `(M, F)` all their objects: N(0, 1) where the density is right."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            latent, _ = self._followed(in_precision(batch, self.precision), exact=False)
        return latent if batch.mask is None else latent[density_checks.filled_mask(batch)]

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return `velocity`, and where ln p is computed, `nll` and `norm`, `(B,)` each."""
        return self._scores_and_loss(batch)[0]

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores chosen by `score`."""
        return self._fixed_errors(batch)[0] if self.score == "velocity" else self._followed_scores(batch)[self.score]

    @exact_float32()
    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return the score, all that could be chosen, and the objective as the loss; each is computed once."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            scores, loss = self._scores_and_loss(in_precision(batch, self.precision))
        found = {"score": scores[self.score], "loss": loss} | {f"part/{name}": part for name, part in scores.items()}
        return {name: at_least_float32(values) for name, values in found.items()}

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return draws in raw units, on their grid; objects of sets by falling pT, as many as often as in training."""
        wanted = conditions_to_sample(self, n, self.context_size)
        count, mask, total = len(wanted.x), None, None
        if self.volumes is not None:
            wanted, total = self.volumes.wanted(wanted, generator, self)
        if self.of_sets:
            mask = filled_slots(count, self.log_share.cpu().double().exp().tolist(), generator)
        noise = draw_normal((count, *self.vector_shape), generator, self)
        with sampling(self):
            there = None if mask is None else mask.to(self.device)
            y, _ = matching.transported(
                self._field, noise, 1.0, 0.0, self.n_steps, "midpoint", there, self._given(wanted)
            )
            x = self.coordinates.round_off(self.coordinates.inverse(y)).float()
            if self.volumes is not None and total is not None:
                return self.volumes.entries(x, total)
        return Batch(x.cpu() if mask is None else filled_by_pt(x.cpu(), mask), mask)

    @torch.no_grad()
    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show draws beside the background, where there is a p whether it is calibrated, and what it never saw."""
        real = drawn_by_weight(samples[background])
        if self.volumes is not None:
            yield made_beside(self, take_rows(real, slice(_GENERATED)), "Draws of flow matching")
            return
        yield from density_checks.range_remarks(self.coordinates, samples, self.device)
        yield from density_checks.draws_shown(self, real, "Draws of flow matching", self.is_exact, _GENERATED)
        yield from () if self.is_exact else [Remark(f"There is no ln p: {self._too_many}")]

    @property
    def _too_many(self) -> str:
        return density_checks.too_many_numbers(self.n_numbers, self.exact_up_to)

    def _vectors(self, batch: Batch) -> Batch:
        return batch if self.volumes is None else self.volumes.vectors(batch)

    @property
    def _field(self) -> VectorVelocity | SetVelocity:
        return self.network if self.training or self.average is None else self.average.network

    def _mapped(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Return coordinates, what is known of ln p (the Jacobian, of sets ln p(n) n!), the mask and the context."""
        z, known = self.coordinates(batch.x)
        mask = None
        if self.of_sets:
            mask = density_checks.filled_mask(batch)
            n = mask.sum(dim=1)
            known = torch.where(mask, known, torch.zeros_like(known)).sum(dim=1) + self.log_share[n]
            known = known + torch.lgamma(n.double() + 1)
            z = torch.where(mask.unsqueeze(-1), z, torch.zeros_like(z))
        return z.to(self.fixed.noise.dtype), known, mask, self._given(batch)

    def _given(self, batch: Batch) -> Tensor | None:
        context = self.context(batch.context)
        return None if context is None else context.to(self.fixed.noise.dtype)

    def _fixed_errors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return `velocity` and the objective `(B,)`, at the same times and noises for every entry."""
        if self.of_sets:
            # Noise belongs to a place: without an order of their own, that of the objects would be seen.
            x, there = matching.in_order(batch.x, density_checks.filled_mask(batch))
            batch = batch._replace(x=x, mask=there)
        z, _, mask, given = self._mapped(self._vectors(batch))
        pairs = self.fixed.spread(self.noises)
        errors = matching.errors_of_pairs(self._field, self.path, z, pairs, mask, given)
        weight = self.path.weight(torch.stack([t for t, _ in pairs])).to(errors.dtype)
        return errors.mean(dim=0), (errors * weight).mean(dim=0)

    def _scores_and_loss(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        velocity, loss = self._fixed_errors(batch)
        followed = self._followed_scores(batch) if self.is_exact or self.score == "norm" else {}
        return {"velocity": velocity} | followed, loss

    def _followed_scores(self, batch: Batch) -> dict[str, Tensor]:
        """Return `norm`, and `nll` where ln p is computed."""
        latent, log_prob = self._followed(batch, self.is_exact)
        return {"norm": latent.square().flatten(1).sum(dim=1)} | ({"nll": -log_prob} if self.is_exact else {})

    def _followed(self, batch: Batch, exact: bool) -> tuple[Tensor, Tensor]:
        """Return where entries end, and where it is `exact`, ln p `(B,)`."""
        z, known, mask, given = self._mapped(self._vectors(batch))
        latent, log_prob = matching.followed_to_noise(self._field, z, max(1, self.n_steps // 2), exact, mask, given)
        return latent, (log_prob + known).to(latent.dtype)
