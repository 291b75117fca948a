"""A network with one copy of its weights per code."""

import copy
import threading
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from hepad.inference.blocks import with_row_products
from hepad.inference.graphs import without_idle_views


class StackedNetwork:
    """Maps C codes to C entries, each through its own copy of some weights.

    The copies of a weight are one contiguous tensor, whose axes are ordered as in the gradient that backpropagation
    makes of it: a linear layer's is transposed. A fused optimiser then goes through memory once; it would copy whatever
    is laid out in another way.

    `vmap` decides anew for every operation what to do about the extra axis. That takes longer than the operations
    themselves do on copies that fit into a cache, so it can be recorded for a number of copies that comes again.

    Args:
        network: a frozen network.
        weights: those that are copied, by name; empty where codes alone move.
        code: `(1, *latent_shape)` any code.
    """

    def __init__(self, network: nn.Module, weights: Mapping[str, Tensor], code: Tensor) -> None:
        self.network = network
        self.weights = dict(weights)
        self._code = code
        self._of_thread = threading.local()
        self._recorded: dict[int, Callable[[list[Tensor], Tensor], Tensor]] = {}
        self._orders = [tuple(range(weight.ndim + 1)) for weight in self.weights.values()]
        if self.weights:
            probe = [leaf.requires_grad_() for leaf in self.copies(2)]
            with torch.enable_grad():
                entries = self._through_vmap(probe, code.expand(2, *code.shape[1:]))
                gradients = torch.autograd.grad(entries.sum(), probe)
            self._orders = [_axes_by_stride(gradient) for gradient in gradients]

    def copies(self, n: int) -> list[Tensor]:
        """Return n copies of every weight, the first axis counting them; the others may be in another order."""
        return [
            weight.expand(n, *weight.shape).permute(order).contiguous()
            for weight, order in zip(self.weights.values(), self._orders, strict=True)
        ]

    def record(self, n: int) -> None:
        """Record what happens to n copies, to be played back from now on.

        A recording loses what stands outside the operations themselves, such as a gradient of its own for a step
        function. So it is used only if it gives the same entries and gradients.
        """
        if not self.weights or n in self._recorded:
            return
        with torch.no_grad():
            code = self._code.expand(n, *self._code.shape[1:]).clone()
            # A bound method would be one argument short.
            recorder = make_fx(lambda copies, codes: self._through_vmap(copies, codes))
            recording = with_row_products(without_idle_views(recorder(self.copies(n), code)))
        if self._agree(recording, n):
            self._recorded[n] = recording

    def _agree(self, recording: Callable[[list[Tensor], Tensor], Tensor], n: int) -> bool:
        """Return whether a recording gives the same entries and gradients as `vmap`, for some codes."""
        numbers = torch.Generator().manual_seed(0)
        code = torch.randn(n, *self._code.shape[1:], generator=numbers).to(self._code)
        found = []
        for network in (self._through_vmap, recording):
            leaves = [leaf.requires_grad_() for leaf in (code.clone(), *self.copies(n))]
            with torch.enable_grad():
                entries = network(leaves[1:], leaves[0])
                gradients = torch.autograd.grad(entries.square().sum(), leaves, allow_unused=True)
            found.append((entries.detach(), *gradients))
        return all(
            a is not None and b is not None and torch.allclose(a, b, rtol=1e-3, atol=1e-5 * float(a.abs().max()))
            for a, b in zip(*found, strict=True)
        )

    def distances(self, copies: Sequence[Tensor]) -> Tensor:
        """Return how far each copy is from the weights, `(C,)`."""
        squares = [
            (stack.detach() - weight.unsqueeze(0).permute(order)).flatten(1).square().sum(dim=1)
            for stack, weight, order in zip(copies, self.weights.values(), self._orders, strict=True)
        ]
        return torch.stack(squares).sum(dim=0).sqrt()

    def __call__(self, copies: Sequence[Tensor], code: Tensor) -> Tensor:
        """Return entries `(C, *entry_shape)` for codes `(C, *latent_shape)`."""
        if not self.weights:
            entries: Tensor = self.network(code)
            return entries
        return self._recorded.get(len(code), self._through_vmap)(list(copies), code)

    def _through_vmap(self, copies: list[Tensor], code: Tensor) -> Tensor:
        # `functional_call` puts the weights into the module while it runs, so threads must not share one.
        if not hasattr(self._of_thread, "network"):
            self._of_thread.network = copy.deepcopy(self.network)
        network = self._of_thread.network

        def one(weights: dict[str, Tensor], code: Tensor) -> Tensor:
            entry: Tensor = functional_call(network, weights, (code.unsqueeze(0),))
            return entry.squeeze(0)

        natural = [
            stack if list(order) == sorted(order) else stack.permute(_inverse(order))
            for stack, order in zip(copies, self._orders, strict=True)
        ]
        entries: Tensor = vmap(one)(dict(zip(self.weights, natural, strict=True)), code)
        return entries


def _axes_by_stride(tensor: Tensor) -> tuple[int, ...]:
    """Return the order of axes in which `tensor` is contiguous, the first one left in its place."""
    return (0, *sorted(range(1, tensor.ndim), key=lambda axis: -tensor.stride()[axis]))


def _inverse(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=lambda axis: order[axis]))
