"""Blocks of a latent search: how many entries fit, the product with weights of their own, several threads at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from hepad.core.threads import in_order

CPU_BLOCK_BYTES: Final = 40 * 2**20
CPU_BLOCK_COPIES: Final = 384
"""Size of a block on a CPU: bytes, and restarts of all of its entries, whichever is less (docs/performance.md).

A larger one leaves the last cache, a smaller one is not worth the time that each operation takes to begin. Not asked
of the system: a virtual machine often tells the cache of the whole host. And not by the number of threads: a search
that is continued with another number of them would be rounded in other places.
"""


def bytes_per_copy(network: nn.Module, weights: Mapping[str, Tensor], code: Tensor, adam: bool) -> int:
    """Return what one restart of one entry takes: weights, gradients, Adam's two moments, and activations.

    Args:
        network: a frozen network.
        weights: those that are copied; empty where only the code moves.
        code: `(1, *latent_shape)` any code.
        adam: two moments are kept for every number that moves.
    """
    kept: dict[int, int] = {}

    def keep(saved: Tensor) -> Tensor:
        kept[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes()
        return saved

    fixed = {weight.untyped_storage().data_ptr() for weight in (*network.parameters(), *network.buffers())}
    start = code.detach().clone().requires_grad_()
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        entry = network(start)
    # Each activation has a gradient of its size; the entry is there twice, as made and as wanted.
    activations = 2 * sum(size for pointer, size in kept.items() if pointer not in fixed)
    entry_bytes = 4 * entry.numel() * entry.element_size()
    moving = sum(weight.numel() * weight.element_size() for weight in weights.values())
    moving += code.numel() * code.element_size()
    total: int = activations + entry_bytes + moving * (4 if adam else 2)
    return total


class _RowTimesMatrix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, row: Tensor, matrix: Tensor) -> Tensor:
        ctx.save_for_backward(row, matrix)
        return torch.bmm(row, matrix)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        row, matrix = ctx.saved_tensors
        # The matrix's gradient is a product of a column and a row. As a matrix product of inner length 1 it takes
        # three times as long as written out.
        return torch.bmm(gradient, matrix.transpose(1, 2)), row.transpose(1, 2) * gradient


def row_times_matrix(row: Tensor, matrix: Tensor) -> Tensor:
    """Return `(C, 1, M)` for `row` `(C, 1, N)` and `matrix` `(C, N, M)`, with a backward step made for single rows."""
    product: Tensor = _RowTimesMatrix.apply(row, matrix)  # type: ignore[no-untyped-call]
    return product


def with_row_products(graph: GraphModule) -> GraphModule:
    """Put `row_times_matrix` where a recorded graph multiplies stacks of single rows with stacks of matrices."""
    for node in graph.graph.nodes:
        if node.op == "call_function" and node.target is torch.ops.aten.bmm.default:
            row: Any = node.args[0]
            if row.meta["val"].shape[1] == 1:
                node.target = row_times_matrix
    graph.recompile()
    return graph


Task = TypeVar("Task")
Result = TypeVar("Result")

_MOST: Final = 8
"""Between two operations a thread holds Python's lock; more threads than this would wait for it."""


def in_threads(call: Callable[[Task], Result], tasks: Sequence[Task], n_threads: int) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, in their order, computed by several threads with one core each.

    PyTorch's own number of threads is 1 meanwhile and what it was afterwards. Whoever stops asking, or raises, waits
    for the tasks that were begun, no more than one for each thread.
    """
    n_threads = min(n_threads, _MOST, len(tasks))
    if n_threads <= 1:
        for task in tasks:
            yield task, call(task)
        return
    before = torch.get_num_threads()
    try:
        yield from in_order(call, tasks, n_threads, partial(torch.set_num_threads, 1))
    finally:
        torch.set_num_threads(before)
