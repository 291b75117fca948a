"""The normalising flow: the density of entries, by maximum likelihood."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import DensityChecks, Diagnostic, GeneratedEntries
from hepad.core.float32 import computed_in, in_precision
from hepad.core.gathering import draw_for_batch
from hepad.core.schema import Structure
from hepad.models.averaged import AveragedModel
from hepad.models.base import eval_mode
from hepad.models.capabilities import draw_normal, entries_to_sample, filled_slots, sampling
from hepad.models.density_checks import all_objects, filled_mask, named_columns, range_remarks, spline_remarks
from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.flows import ConditionalFlow
from hepad.nn.set_flow import SetFlow

SCORES: Final = ("nll", "norm", "typicality")

_SHOWN: Final = 2000
_GENERATED: Final = 5000


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
        mask = filled_mask(train)
        weight = None if train.weight is None else train.weight.unsqueeze(1).expand_as(mask)[mask]
        self.coordinates.fit(train.x[mask], weight)
        counted = torch.ones(len(mask)) if train.weight is None else train.weight.cpu()
        counts = torch.bincount(mask.sum(dim=1).cpu(), counted.double(), minlength=len(self.log_share)) + 0.5
        self.log_share.copy_((counts / counts.sum()).log())

    def remarks(self) -> list[str]:
        """Name constant columns, and columns of whole numbers that are not dequantised."""
        found = []
        if constant := named_columns(self.coordinates.constant):
            found.append(
                f"{constant} never varied in training: its density is that of a made-up width, and any other value is "
                "strange; data.features leaves it out"
            )
        if not self.coordinates.smear and (whole := named_columns(self.coordinates.on_grid)):
            found.append(
                f"{whole} holds values of a grid, such as whole numbers, which have no density: −ln p falls without "
                "end as they are learned; model.dequantize=true smears them"
            )
        return found

    def losses(self, batch: Batch) -> Tensor:
        """Return −ln p `(B,)`, in training of entries that are smeared where they have no density."""
        if self.training and self.coordinates.has_width:
            x = batch.x
            u = draw_for_batch(lambda shape: torch.rand(shape, device=x.device), x.shape, x.device)
            batch = batch._replace(x=self.coordinates.smeared(x, u))
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
        if self.context_size:
            if not isinstance(n, Tensor) or n.ndim != 2 or n.shape[1] != self.context_size or not len(n):
                raise ValueError(
                    f"{type(self).__name__} is conditioned on {self.context_size} observables; give a context "
                    f"(N, {self.context_size}), one row for each entry"
                )
            wanted = Batch(n, context=n.to(self.device))
        else:
            wanted = Batch(torch.zeros(entries_to_sample(self, n), 1))
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
        yield from range_remarks(self.coordinates, self.context, samples, self.device)
        everything = drawn_by_weight(samples[background])
        real = take_rows(everything, slice(_SHOWN))
        if self.kind == "nsf":
            yield from spline_remarks(self.coordinates, background, all_objects(real).to(self.device))
        generator = torch.Generator().manual_seed(0)
        if self.context_size:
            context = self.context.checked(everything.context)[:_GENERATED]
            made = self.sample(context, generator)._replace(context=context)
        else:
            made = self.sample(_GENERATED, generator)
        yield GeneratedEntries("Draws of the density", real, made.x, made.mask)
        # As in training, smeared where there is no density.
        held, drawn = (self._smeared(batch, generator) for batch in (real, made))
        yield DensityChecks(
            real=all_objects(real),
            generated=all_objects(made),
            latent=self.latent(held).float().cpu(),
            log_prob=self.log_prob(held).float().cpu(),
            generated_log_prob=self.log_prob(drawn).float().cpu(),
        )

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

    def _smeared(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The entries where the model is, smeared."""
        u = torch.rand(batch.x.shape, generator=generator).to(self.device)
        mask, context = (None if part is None else part.to(self.device) for part in (batch.mask, batch.context))
        return Batch(self.coordinates.smeared(batch.x.to(self.device), u), mask, context=context)
