"""The normalising flow: the density of entries, by maximum likelihood."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import DensityChecks, Diagnostic, GeneratedEntries, Remark
from hepad.core.float32 import computed_in, in_precision
from hepad.core.schema import Structure
from hepad.models.averaged import AveragedModel
from hepad.models.base import eval_mode
from hepad.models.capabilities import draw_normal, entries_to_sample, sampling
from hepad.nn.coordinates import Coordinates
from hepad.nn.flows import SPLINE_BOUND, ConditionalFlow
from hepad.nn.shared_batch_norm import draw_for_batch

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

    With `average` = k above 1, p is the mean of the p of the k epochs of lowest validation loss: the density of a
    sample that is drawn from all of them in equal parts.

    Args:
        entry_shape: `(F,)`.
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

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector"})
    context_use = "condition"

    context_center: Tensor
    context_scale: Tensor
    context_low: Tensor
    context_high: Tensor
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
        self.coordinates = Coordinates(coordinates, self.entry_shape[0], periodic or (), dequantize)
        self.network = ConditionalFlow(kind, self.entry_shape[0], context_size, transforms, hidden, bins)
        self.keep_best_epochs()
        self.register_buffer("context_center", torch.zeros(context_size))
        self.register_buffer("context_scale", torch.ones(context_size))
        self.register_buffer("context_low", torch.full((context_size,), -math.inf))
        self.register_buffer("context_high", torch.full((context_size,), math.inf))
        self.register_buffer("entropy", torch.zeros(()))

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for ln p alone."""
        return str(settings.get("score", "nll")) == "nll"

    def prepare(self, train: Batch) -> None:
        """Fit the coordinates and the range of the context on training entries."""
        self.coordinates.fit(train.x, train.weight)
        if self.context_size:
            context = self._context_of(train).double()
            spread = context.std(dim=0, correction=0)
            self.context_center.copy_(context.mean(dim=0))
            self.context_scale.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))
            self.context_low.copy_(context.amin(dim=0))
            self.context_high.copy_(context.amax(dim=0))

    def remarks(self) -> list[str]:
        """Name constant columns, and columns of whole numbers that are not dequantised."""
        found = []
        if constant := _columns(self.coordinates.constant):
            found.append(
                f"{constant} never varied in training: its density is that of a made-up width, and any other value is "
                "strange; data.features leaves it out"
            )
        if not self.coordinates.smear and (whole := _columns(self.coordinates.on_grid)):
            found.append(
                f"{whole} holds values of a grid, such as whole numbers, which have no density: −ln p falls without "
                "end as they are learned; model.dequantize=true smears them"
            )
        return found

    def losses(self, batch: Batch) -> Tensor:
        """Return −ln p `(B,)`, in training of entries that are smeared where they have no density."""
        x = batch.x
        if self.training and self.coordinates.has_width:
            u = draw_for_batch(lambda shape: torch.rand(shape, device=x.device), x.shape, x.device)
            x = self.coordinates.smeared(x, u)
        z, log_slope = self.coordinates(x)
        _, log_prob = self.network(z.to(self._weight_dtype), self._standard_context(batch))
        losses: Tensor = -(log_prob + log_slope.to(log_prob.dtype))
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
        """Return the latent points `(B, F)`, N(0, 1) where the density is right; of the best epoch alone."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            z, _ = self.coordinates(batch.x)
            latent: Tensor = self.network(z.to(self._weight_dtype), self._standard_context(batch))[0]
        return latent

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
        context = None
        if self.context_size:
            if not isinstance(n, Tensor) or n.ndim != 2 or n.shape[1] != self.context_size or not len(n):
                raise ValueError(
                    f"{type(self).__name__} is conditioned on {self.context_size} observables; give a context "
                    f"(N, {self.context_size}), one row for each entry"
                )
            context = self._standard_context(Batch(n, context=n.to(self.device)))
        count = len(n) if isinstance(n, Tensor) and context is not None else entries_to_sample(self, n)
        latent = draw_normal((count, self.entry_shape[0]), generator, self).to(self._weight_dtype)
        with sampling(self):
            # Each epoch makes all, and each entry is of one of them.
            made = torch.stack([y for y, _ in self.each_epoch(latent, context, True)])
            chosen = torch.zeros(count, dtype=torch.int64)
            if len(made) > 1:
                chosen = torch.randint(len(made), (count,), generator=generator, device=generator.device)
            y = made[chosen.to(self.device), torch.arange(count, device=self.device)]
            x = self.coordinates.round_off(self.coordinates.inverse(y))
        return Batch(x.float().cpu())

    @torch.no_grad()
    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show draws beside the background, whether p is calibrated, and what lies outside of the training range."""
        yield from self._range_remarks(samples)
        everything = drawn_by_weight(samples[background])
        real = take_rows(everything, slice(_SHOWN))
        generator = torch.Generator().manual_seed(0)
        if self.context_size:
            context = self._context_of(everything)[:_GENERATED]
            made = self.sample(context, generator)._replace(context=context)
        else:
            made = self.sample(_GENERATED, generator)
        yield GeneratedEntries("Draws of the density", real, made.x)
        # As in training, smeared where there is no density.
        held, drawn = (self._smeared(batch, generator) for batch in (real, made))
        yield DensityChecks(
            real=real.x,
            generated=made.x,
            latent=self.latent(held).float().cpu(),
            log_prob=self.log_prob(held).float().cpu(),
            generated_log_prob=self.log_prob(drawn).float().cpu(),
        )

    def _range_remarks(self, samples: Mapping[str, Batch]) -> Iterator[Remark]:
        for name, batch in samples.items():
            outside = self.coordinates.outside(batch.x.to(self.device)).cpu()
            if n := int(outside.any(dim=1).sum()):
                yield Remark(
                    f"{n} of {len(outside)} entries of {name} lie outside of the training range in "
                    f"{_columns(outside.any(dim=0))} and have the density of its edge"
                )
            if self.context_size:
                context = self._context_of(batch).to(self.device)
                beyond = (context < self.context_low) | (context > self.context_high)
                if n := int(beyond.any(dim=1).sum()):
                    yield Remark(
                        f"the context of {n} of {len(context)} entries of {name} lies outside of the range trained on: "
                        "their density is extrapolated"
                    )
        if self.kind == "nsf":
            first = next(iter(samples.values()))
            share = float((self.coordinates(first.x.to(self.device))[0].abs() > SPLINE_BOUND).float().mean())
            if share > 1e-3:
                yield Remark(
                    f"{share:.1%} of the values of {next(iter(samples))} lie beyond ±{SPLINE_BOUND:g} in the flow's "
                    "coordinates, where splines change nothing; model.coordinates=rank_gaussian keeps them inside"
                )

    def _log_prob_and_norm(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return ln p and ‖f‖², `(B,)` each: of a mean over epochs the mean p, and the mean norm."""
        z, log_slope = self.coordinates(batch.x)
        found = list(self.each_epoch(z.to(self._weight_dtype), self._standard_context(batch)))
        log_prob = torch.logsumexp(torch.stack([each for _, each in found]), dim=0) - math.log(len(found))
        norm = torch.stack([latent.square().sum(dim=-1) for latent, _ in found]).mean(dim=0)
        return log_prob + log_slope.to(log_prob.dtype), norm

    @property
    def _weight_dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype

    def _smeared(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The entries where the model is, smeared."""
        u = torch.rand(batch.x.shape, generator=generator).to(self.device)
        context = None if batch.context is None else batch.context.to(self.device)
        return Batch(self.coordinates.smeared(batch.x.to(self.device), u), context=context)

    def _context_of(self, batch: Batch) -> Tensor:
        if batch.context is None or batch.context.shape[1] != self.context_size:
            raise ValueError(
                f"the model is conditioned on {self.context_size} observables, and the entries carry "
                f"{0 if batch.context is None else batch.context.shape[1]}"
            )
        return batch.context

    def _standard_context(self, batch: Batch) -> Tensor | None:
        if not self.context_size:
            return None
        standard = (self._context_of(batch) - self.context_center) / self.context_scale
        return standard.to(self._weight_dtype)


def _columns(chosen: Tensor) -> str:
    """Return `column 3`, or `columns 3, 5 and 2 more`, of a mask; empty for none."""
    numbers = [str(i) for i in torch.nonzero(chosen.cpu()).flatten().tolist()]
    if len(numbers) < 2:
        return f"column {numbers[0]}" if numbers else ""
    more = f" and {len(numbers) - 6} more" if len(numbers) > 6 else ""
    return f"columns {', '.join(numbers[:6])}{more}"
