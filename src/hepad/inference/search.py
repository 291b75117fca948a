"""One block of a latent search: its loss, and all restarts of some entries, side by side."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from hepad.core.batch import on_device
from hepad.core.errors import UserError
from hepad.core.schema import check_structures, plural
from hepad.data import AnomalyDataModule
from hepad.inference.descent import Descent
from hepad.inference.search_settings import SearchSettings
from hepad.inference.stacked import StackedNetwork
from hepad.losses import ReconstructionLoss
from hepad.models import AnomalyModel, Searchable

_DIVERGED: Final = 1e-16
"""Part of the largest float from which on a loss has diverged; losses hold what would overflow, so few become inf."""


class SearchResult(NamedTuple):
    """Result of a search for N entries.

    Attributes:
        trace: `(N, n_seed, k + 1)` loss before the first update and after each; a restart that stopped keeps its last.
        code: `(N, n_seed, *latent_shape)` the codes after the last update.
        made: `(N, n_seed, *entry_shape)` what the network makes of them.
        steps: `(N, n_seed)` updates made.
        moved: `(N, n_seed)` ‖Δθ‖, how far the weights moved; 0 where they are fixed.
        failed: `(N, n_seed)` restarts whose loss became NaN or as good as infinite; `trace` keeps the last that was
            not, NaN if none.
    """

    trace: Tensor
    code: Tensor
    made: Tensor
    steps: Tensor
    moved: Tensor
    failed: Tensor

    @property
    def losses(self) -> Tensor:
        """`(N, n_seed)` losses after the last update."""
        return self.trace[..., -1]

    def scores(self, reduction: str) -> Tensor:
        """Return `(N,)` scores, NaN for an entry all of whose restarts failed.

        Args:
            reduction: `mean` or `min` over the restarts that did not fail. What those that did had come to tells how
                long they held out, not how well the entry can be made.
        """
        return reduce_restarts(self.sound_trace[..., -1], reduction)

    @property
    def sound_trace(self) -> Tensor:
        """`(N, n_seed, k + 1)` the trace, all NaN for restarts that failed."""
        return self.trace.masked_fill(self.failed.unsqueeze(-1), torch.nan)


def reduce_restarts(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the minimum over the last axis, over the restarts that are not NaN.

    >>> import torch
    >>> from hepad.inference import reduce_restarts
    >>> losses = torch.tensor([[1.0, 3.0, torch.nan]])
    >>> reduce_restarts(losses, "mean"), reduce_restarts(losses, "min")
    (tensor([2.]), tensor([1.]))
    """
    if reduction == "mean":
        return losses.nanmean(dim=-1)
    lowest = losses.nan_to_num(nan=torch.inf).amin(dim=-1)
    return torch.where(lowest.isinf(), torch.nan, lowest)


class _Moving:
    """Tensors that move: the codes `(C, …)` and, where they move, C copies of the weights; with their optimiser."""

    def __init__(self, code: Tensor, network: StackedNetwork, descent: Descent, settings: SearchSettings) -> None:
        self.network = network
        self.descent = descent
        self._losses = self._gradient = code
        self.leaves = [leaf.requires_grad_() for leaf in (code.clone(), *network.copies(len(code)))]
        groups = [{"params": self.leaves[:1], "lr": settings.gamma_z}]
        if self.leaves[1:]:
            groups.append({"params": self.leaves[1:], "lr": settings.gamma_theta})
        # Every number has its own moments and all have made equally many steps, so the optimiser of the stack is one
        # optimiser per copy. Fused: one pass over memory instead of twelve.
        self.optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(groups, fused=True)
            if settings.optimizer == "adam"
            else torch.optim.SGD(groups, fused=True)
        )

    @property
    def code(self) -> Tensor:
        return self.leaves[0]

    def look(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the losses `(C,)`, and what each copy makes of its code, `(C, *entry_shape)`."""
        if not self.leaves[1:]:
            losses, made, self._gradient = self.descent(self.code.detach(), x, mask)
            return losses, made
        made = self.network(self.leaves[1:], self.code)
        self._losses = self.descent.loss(made, x, mask)
        return self._losses.detach(), made

    def distances(self) -> Tensor:
        """Return how far each copy of the weights moved, `(C,)`."""
        if not self.leaves[1:]:
            return self.code.new_zeros(len(self.code))
        return self.network.distances(self.leaves[1:])

    def step(self) -> None:
        """Update all by the gradient of what `look` found last."""
        gradients: tuple[Tensor, ...] = (self._gradient,)
        if self.leaves[1:]:
            # Copies do not know of each other, so the gradient of the sum is each one's own.
            gradients = torch.autograd.grad(self._losses.sum(), self.leaves)
        for leaf, gradient in zip(self.leaves, gradients, strict=True):
            # The fused step walks through memory and believes that a gradient is laid out as its leaf.
            leaf.grad = gradient.contiguous()
        self.optimizer.step()

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the copies."""
        for group in self.optimizer.param_groups:
            kept = []
            for leaf in group["params"]:
                state = self.optimizer.state.pop(leaf, {})
                fewer = leaf.detach()[rows].requires_grad_()
                self.optimizer.state[fewer] = {
                    name: value[rows] if value.ndim else value for name, value in state.items()
                }
                kept.append(fewer)
            group["params"] = kept
        self.leaves = [leaf for group in self.optimizer.param_groups for leaf in group["params"]]


def search_block(
    network: StackedNetwork,
    x: Tensor,
    start: Tensor,
    mask: Tensor | None,
    settings: SearchSettings,
    descent: Descent,
) -> SearchResult:
    """Search for the codes, and weights, that reproduce E entries best.

    Args:
        network: the network; every restart of every entry starts from its weights, in copies of its own.
        x: `(E, *entry_shape)` entries as the network makes them.
        start: `(E, n_seed, *latent_shape)` codes to start from.
        mask: `(E, S)` slots that count; None for all.
        settings: the numbers.
        descent: losses, and their gradient where the weights are fixed.
    """
    n_entries, n_seed = start.shape[:2]
    x = x.repeat_interleave(n_seed, dim=0)
    mask = None if mask is None else mask.repeat_interleave(n_seed, dim=0)
    moving = _Moving(start.flatten(0, 1), network, descent, settings)
    ended = _Ended(moving.code, x, settings)
    # The row of each copy; −1 for those that have stopped and were not left out yet.
    rows = torch.arange(len(x), device=x.device)
    with torch.enable_grad():
        for step in range(settings.steps + 1):
            losses, made = moving.look(x, mask)
            stop = ended.look_at(losses, step, rows)
            if step == settings.steps:
                stop = rows >= 0
            if stop is not None and bool(stop.any()):
                ended.take(rows[stop], moving.code[stop], made[stop], moving.distances()[stop], step)
                rows = torch.where(stop, -1, rows)
                left = (rows >= 0).nonzero().squeeze(1)
                if len(left) == 0:
                    break
                if 2 * len(left) <= len(rows):
                    moving.keep(left)
                    rows, x, mask = rows[left], x[left], None if mask is None else mask[left]
                    moving.look(x, mask)
            moving.step()
    return ended.result(n_entries, n_seed)


class _Ended:
    """Losses along the search, and what restarts left when they stopped."""

    def __init__(self, code: Tensor, x: Tensor, settings: SearchSettings) -> None:
        n_copies = len(code)
        self.settings = settings
        self.trace = torch.full((settings.steps + 1, n_copies), torch.nan, dtype=code.dtype, device=code.device)
        self.code = code.detach().clone()
        self.made = torch.empty_like(x)
        self.moved = code.new_zeros(n_copies)
        self.steps = torch.zeros(n_copies, dtype=torch.long, device=code.device)
        self.failed = torch.zeros(n_copies, dtype=torch.bool, device=code.device)
        self._all_going = True
        self._best = torch.full_like(self.moved, torch.inf)
        self._best_step = torch.zeros_like(self.steps)

    def look_at(self, losses: Tensor, step: int, rows: Tensor) -> Tensor | None:
        """Take the losses `(C,)` of the copies `rows` after `step` updates; return which have to stop, or None."""
        # False for NaN too.
        finite = losses < _DIVERGED * torch.finfo(losses.dtype).max
        if self._all_going and self.settings.tolerance is None and bool(finite.all()):
            # The usual case, and cheap: where blocks are small this is done thousands of times.
            self.trace[step] = losses
            return None
        going = rows >= 0
        own = rows[going]
        now, sound = losses[going], finite[going]
        before = self.trace[step - 1, own] if step else torch.full_like(now, torch.nan)
        # For this step and, in case it is the last, all that follow.
        self.trace[step:, own] = torch.where(sound, now, before)
        self.failed[own] |= ~sound
        stop = ~sound
        if self.settings.tolerance is not None:
            better = now < self._best[own] * (1 - self.settings.tolerance)
            self._best[own] = torch.where(better, now, self._best[own])
            self._best_step[own] = torch.where(better, step, self._best_step[own])
            stop |= step - self._best_step[own] >= self.settings.patience
        stopped = torch.zeros_like(going)
        stopped[going] = stop
        return stopped

    def take(self, rows: Tensor, code: Tensor, made: Tensor, moved: Tensor, step: int) -> None:
        """Keep what the copies `rows` have come to after `step` updates."""
        self._all_going = False
        self.code[rows], self.made[rows] = code.detach(), made.detach()
        self.moved[rows], self.steps[rows] = moved, step

    def result(self, n_entries: int, n_seed: int) -> SearchResult:
        shape = (n_entries, n_seed)
        return SearchResult(
            trace=self.trace.T.reshape(*shape, -1),
            code=self.code.reshape(*shape, *self.code.shape[1:]),
            made=self.made.reshape(*shape, *self.made.shape[1:]),
            steps=self.steps.reshape(shape),
            moved=self.moved.reshape(shape),
            failed=self.failed.reshape(shape),
        )


def fit_loss(loss: ReconstructionLoss, model: AnomalyModel, data: AnomalyDataModule) -> None:
    """Let the loss take what it must know of the background, such as SSIM's data range, where the model is.

    Raises:
        UserError: the loss, or a part of it, is not for such entries.
    """
    for part in loss.modules():
        if not isinstance(part, ReconstructionLoss):
            continue
        what = f"inference.loss: {type(part).__name__}"
        check_structures(what, part.structures or (), getattr(part, "kinds", None))
        if part.structures is not None and data.structure not in part.structures:
            raise UserError(f"{what} is defined for {plural(part.structures)}, not for {plural({data.structure})}")
    assert isinstance(model, Searchable)
    try:
        loss.to(model.device).fit_units(model.normalizer.center, model.normalizer.scale)
        loss.fit(model.latent_target(on_device(data.train_entries.batch, model.device))[0])
    except (UserError, ValueError) as error:
        raise UserError(str(error).replace("model.loss.", "inference.loss.")) from error
