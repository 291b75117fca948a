"""The product that a linear layer is where every code has weights of its own: one row times a matrix each."""

from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule


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
