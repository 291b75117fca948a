"""The normalising flow: the density of entries, by maximum likelihood."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight
from hepad.core.diagnostics import Diagnostic
from hepad.core.float32 import computed_in, in_precision
from hepad.core.schema import Structure
from hepad.models.averaged import AveragedModel
from hepad.models.base import eval_mode
from hepad.models.capabilities import conditions_to_sample, draw_normal, filled_slots, sampling
from hepad.models.density_checks import (
    all_objects,
    column_remarks,
    draws_shown,
    filled_mask,
    fit_objects,
    range_remarks,
    shown_entries,
    smeared_in_training,
    spline_remarks,
)
from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.flows import ConditionalFlow
from hepad.nn.set_flow import SetFlow

SCORES: Final = ("nll", "norm", "typicality")


class Flow(AveragedModel):
    """A normalising flow: ln p(x | c) = ln N(f(z(x); c)) + ln |∂f/∂z| + Σ ln |dz/dx|, trained on −ln p.

    z are fixed coordinates of each column (`hepad.nn.Coordinates`), whose Jacobian counts: p is the density of entries
    in raw units. f is a flow (`hepad.nn.ConditionalFlow`), c the standardised context, where there is one.

    | score | value |
    |---|---|
    | `nll` | −ln p(x), of a model with a context −ln p(x given c) |
    | `norm` | ‖f‖², how far from the middle of the latent normal distribution; it sees no Jacobian |
    | `typicality` | |−ln p − H|, H the mean of −ln p over validation background (Nalisnick et al., arXiv:1906.02994) |

    Which entries have a low density depends on the coordinates in which it is a density (Le Lan and Dinh,
    arXiv:2012.03808): x ↦ ln x is another order. `norm` is of no coordinates but the flow's own.

    The density of a set is that of its objects in their order, p(n) Π p(x_i given those before it, i and n), by
    `hepad.nn.SetFlow`; p(n) is how often training entries have n objects.

    With `average` = k above 1, p is the mean of the p of the k epochs of lowest validation loss: the density of a
    sample that is drawn from all of them in equal parts.

    Args:
        entry_shape: `(F,)`, or of sets `(S, F)`.
        context_size: number of observables that it is conditioned on.
        kind: `realnvp`, `maf` or `nsf`.
        transforms: how many transformations.
        hidden: widths of the hidden layers behind each transformation.
        bins: bins of a spline (`nsf`).
        coordinates: `standard`, `logit` or `rank_gaussian`.
        periodic: columns, from 0, that are angles in radians.
        dequantize: smear columns of whole numbers, and values that many entries share, in training.
        average: how many epochs to average over.
        score: one of the above.

    Raises:
        ValueError: an unknown kind, coordinates or score, or settings that no flow has.
        UserError: zuko is not installed.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import Flow
    >>> _ = torch.manual_seed(0)
    >>> model = Flow((2,), transforms=2, hidden=[16])
    >>> model.prepare(Batch(torch.randn(256, 2)))
    >>> batch = Batch(torch.randn(4, 2))
    >>> torch.equal(model.anomaly_score(batch), -model.log_prob(batch))
    True
    >>> model.sample(3, torch.Generator().manual_seed(0)).x.shape
    torch.Size([3, 2])
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set"})
    context_use = "condition"

    log_share: Tensor
    entropy: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        context_size: int = 0,
        kind: str = "nsf",
        transforms: int = 3,
        hidden: Sequence[int] = (64, 64),
        bins: int = 8,
        coordinates: str = "rank_gaussian",
        periodic: Sequence[int] | None = None,
        dequantize: bool = True,
        average: int = 1,
        score: str = "nll",
    ) -> None:
        super().__init__(entry_shape, "none", average)
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        self.save_hyperparameters()
        self.score, self.context_size, self.kind = score, context_size, kind
        self.coordinates = Coordinates(coordinates, self.entry_shape[-1], periodic or (), dequantize)
        self.of_sets = len(self.entry_shape) == 2
        if self.of_sets and context_size:
            raise ValueError(
                "a flow of sets takes no context; describe the event by the columns of a table: data=table"
            )
        sizes: dict[str, Any] = {"transforms": transforms, "hidden": hidden, "bins": bins}
        self.network: ConditionalFlow | SetFlow = (
            SetFlow(kind, self.entry_shape[-1], **sizes)
            if self.of_sets
            else ConditionalFlow(kind, self.entry_shape[-1], context_size, **sizes)
        )
        self.keep_best_epochs()
        self.context = ContextScale(context_size)
        n_slots = self.entry_shape[0] if self.of_sets else 0
        self.register_buffer("log_share", torch.full((n_slots + 1,), -math.log(n_slots + 1)))
        self.register_buffer("entropy", torch.zeros(()))

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for ln p alone."""
        return str(settings.get("score", "nll")) == "nll"

    def prepare(self, train: Batch) -> None:
        """Fit the coordinates and the range of the context on training entries, and count the objects of sets."""
        self.context.fit(train.context)
        if not self.of_sets:
            self.coordinates.fit(train.x, train.weight)
            return
        self.log_share.copy_(fit_objects(self.coordinates, train, self.entry_shape[0]))

    def remarks(self) -> list[str]:
        """Name constant columns, and columns of whole numbers that are not dequantised."""
        return column_remarks(self.coordinates)

    def losses(self, batch: Batch) -> Tensor:
        """Return −ln p `(B,)`, in training of entries that are smeared where they have no density."""
        if self.training:
            batch = smeared_in_training(self.coordinates, batch)
        z, known = self._mapped(batch)
        losses: Tensor = -(self.network(z, self._given(batch))[1] + known)
        return losses

    def validated(self, loss: float, epoch: int) -> None:
        """Take H, and the weights where they are among the best."""
        super().validated(loss, epoch)
        self.entropy.fill_(loss if self.best_epochs is None else self.best_epochs.mean_loss)

    def late_state(self) -> dict[str, Tensor]:
        """Return the weights of the best epochs, and their H."""
        late = super().late_state()
        return late | ({"entropy": self.entropy} if late else {})

    def log_prob(self, batch: Batch) -> Tensor:
        """Return ln p(x), or ln p(x | c), `(B,)` in raw units; see `Density`."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            return self._log_prob_and_norm(in_precision(batch, self.precision))[0]

    def latent(self, batch: Batch) -> Tensor:
        """Return the latent points `(B, F)`, of sets `(M, F)` of all their objects: N(0, 1) where the density is right.

        Of the best epoch alone.
        """
        with eval_mode(self), computed_in(self.precision, self.device.type):
            latent: Tensor = self.network(self._mapped(batch)[0], self._given(batch))[0]
        return latent if batch.mask is None else latent[filled_mask(batch)]

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return every score of `SCORES`, `(B,)` each."""
        log_prob, norm = self._log_prob_and_norm(in_precision(batch, self.precision))
        return {"nll": -log_prob, "norm": norm, "typicality": (-log_prob - self.entropy).abs()}

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores chosen by `score`."""
        return self.score_parts(batch)[self.score]

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return the scores, all that could be chosen, and −ln p as the loss."""
        found = super().test_step(batch, batch_idx, dataloader_idx)
        return {**found, "loss": found["part/nll"]}

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return draws of the density in raw units, what was dequantised on its grid again; see `Generative`.

        With `average` each entry is of one of the epochs, drawn at random.

        Raises:
            ValueError: a number for a model with a context, or a context of another size.
        """
        wanted = conditions_to_sample(self, n, self.context_size)
        count, mask = len(wanted.x), None
        if self.of_sets:
            mask = filled_slots(count, self.log_share.cpu().double().exp().tolist(), generator)
            wanted = wanted._replace(mask=mask.to(self.device))
        latent = draw_normal((count, *self.entry_shape), generator, self).to(self._weight_dtype)
        with sampling(self):
            # Each epoch makes all, and each entry is of one of them.
            made = torch.stack([y for y, _ in self.each_epoch(latent, self._given(wanted), True)])
            chosen = torch.zeros(count, dtype=torch.int64)
            if len(made) > 1:
                chosen = torch.randint(len(made), (count,), generator=generator, device=generator.device)
            y = made[chosen.to(self.device), torch.arange(count, device=self.device)]
            x = self.coordinates.round_off(self.coordinates.inverse(y)).float().cpu()
        return Batch(x if mask is None else torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x)), mask)

    @torch.no_grad()
    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show draws beside the background, whether p is calibrated, and what lies outside of the training range."""
        yield from range_remarks(self.coordinates, samples, self.device)
        everything = drawn_by_weight(samples[background])
        if self.kind == "nsf":
            objects = all_objects(shown_entries(everything)).to(self.device)
            yield from spline_remarks(self.coordinates, background, objects)
        yield from draws_shown(self, everything, "Draws of the density")

    def _log_prob_and_norm(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return ln p and ‖f‖², `(B,)` each: of a mean over epochs the mean p, and the mean norm."""
        z, known = self._mapped(batch)
        found = list(self.each_epoch(z, self._given(batch)))
        log_prob = torch.logsumexp(torch.stack([each for _, each in found]), dim=0) - math.log(len(found))
        norm = torch.stack([latent.square().flatten(1).sum(dim=1) for latent, _ in found]).mean(dim=0)
        return log_prob + known, norm

    def _mapped(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the entries in the flow's coordinates, and what of ln p is known without it, `(B,)`.

        That is the Jacobian, and of sets ln p(n), how often there are so many objects.
        """
        z, known = self.coordinates(batch.x)
        if self.of_sets:
            mask = filled_mask(batch)
            known = torch.where(mask, known, torch.zeros_like(known)).sum(dim=1) + self.log_share[mask.sum(dim=1)]
        return z.to(self._weight_dtype), known.to(self._weight_dtype)

    def _given(self, batch: Batch) -> Tensor | None:
        """Return what the network is given beside the entries: of sets their mask, else the context."""
        if self.of_sets:
            return filled_mask(batch)
        context = self.context(batch.context)
        return None if context is None else context.to(self._weight_dtype)

    @property
    def _weight_dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype
