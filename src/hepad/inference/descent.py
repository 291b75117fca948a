"""Losses of codes and their gradient, through a network whose weights are fixed."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from hepad.inference.graphs import without_bookkeeping, without_idle_views

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]

_Step = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor, Tensor]]


class Descent:
    """Losses, entries and the gradient with respect to codes, in one go.

    Backpropagation asks at every step again which gradients are wanted and keeps what they need. Here the same few
    operations come thousands of times, so they are recorded, forward and backward, for a number of codes that comes
    again, and played back from then on.

    Args:
        network: a frozen network, in eval mode.
        loss: `(B, …), (B, …), mask -> (B,)`.
    """

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        self.network = network
        self.loss = loss
        self._recorded: dict[tuple[int, bool], _Step | None] = {}

    def record(self, code: Tensor, x: Tensor, mask: Tensor | None) -> None:
        """Record the operations for as many codes; not for several threads at a time.

        A recording loses what depends on the numbers themselves, so it is used only if it gives the same losses and
        gradients for codes and entries of which it knows nothing.
        """
        key = (len(code), mask is None)
        if key in self._recorded:
            return
        self._recorded[key] = None
        try:
            recording = make_fx(lambda *given: self._step(*given))(code.detach(), x, mask)
        except RuntimeError:
            # A network, or a loss, that looks at numbers to decide what to do cannot be recorded.
            return
        recording = without_idle_views(without_bookkeeping(recording))
        others = (code.detach().roll(1, 0) + 0.5, 1.5 * x.roll(1, 0), mask)
        with torch.no_grad():
            found = recording(*others)
        expected = self._step(*others)
        close = (
            torch.allclose(a, b, rtol=1e-3, atol=1e-5 * float(b.abs().max()), equal_nan=True)
            for a, b in zip(found, expected, strict=True)
        )
        if all(close):
            self._recorded[key] = recording

    def __call__(self, code: Tensor, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return losses `(C,)`, entries `(C, *entry_shape)` and the gradient `(C, *latent_shape)`.

        Args:
            code: `(C, *latent_shape)`.
            x: `(C, *entry_shape)` entries to compare with.
            mask: `(C, S)` slots that count; None for all.
        """
        with torch.no_grad():
            return (self._recorded.get((len(code), mask is None)) or self._step)(code, x, mask)

    def _step(self, code: Tensor, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            code = code.detach().requires_grad_()
            made = self.network(code)
            losses = self.loss(made, x, mask)
            ones = torch.ones(len(code), dtype=losses.dtype, device=losses.device)
            # Codes do not know of each other, so the gradient of the sum is each one's own.
            (gradient,) = torch.autograd.grad(losses, code, ones)
        return losses.detach(), made.detach(), gradient


def movable_share(weights: Iterable[Tensor], step: float) -> float:
    """Return the share of `weights` that a step changes: those whose half distance to the next float is below it.

    Args:
        weights: tensors of any shape.
        step: absolute size of the step. Adam's is about its learning rate, whatever the gradient.
    """
    n_movable = n_weights = 0
    for weight in weights:
        magnitude = weight.detach().abs()
        spacing = torch.nextafter(magnitude, torch.full_like(magnitude, torch.inf)) - magnitude
        n_movable += int((spacing / 2 < step).sum())
        n_weights += weight.numel()
    return n_movable / max(n_weights, 1)
