"""Decision trees as as many steps as the deepest of them has, for exporters, which know no loop until done."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepad.nn.trees import TreeEnsemble


class UnrolledTrees(nn.Module):
    """A `TreeEnsemble` with as many steps as its deepest tree has, and one table of nodes for all of its trees.

    Args:
        trees: the ensemble.
        chosen: which of its trees, and in which order; None for all.

    >>> import torch
    >>> from hepad.exporting.unrolled_trees import UnrolledTrees
    >>> from hepad.nn import TreeEnsemble
    >>> trees = TreeEnsemble(3, 5)
    >>> UnrolledTrees(trees)(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    root: Tensor

    def __init__(self, trees: TreeEnsemble, chosen: list[int] | None = None) -> None:
        super().__init__()
        rows = list(range(len(trees.feature))) if chosen is None else chosen
        parts = {name: buffer[rows].cpu() for name, buffer in trees.named_buffers()}
        n_trees, n_nodes = parts["feature"].shape
        first = torch.arange(n_trees).unsqueeze(1) * n_nodes
        self.steps = _depth(parts["left"].numpy(), parts["right"].numpy())
        self.register_buffer("feature", parts["feature"].long().flatten())
        # A float32 is at most t where it is at most the largest float32 that is at most t.
        self.register_buffer("threshold", torch.from_numpy(_rounded_down(parts["threshold"].numpy())).flatten())
        self.register_buffer("left", (parts["left"].long() + first).flatten())
        self.register_buffer("right", (parts["right"].long() + first).flatten())
        self.register_buffer("value", parts["value"].flatten())
        self.register_buffer("root", first.T.clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return what each tree says of entries `x` `(B, F)`: `(B, T)` float64."""
        node = self.root.expand(x.shape[0], -1)
        for _ in range(self.steps):
            value = x.gather(1, self.feature[node])
            node = torch.where(value <= self.threshold[node], self.left[node], self.right[node])
        return self.value[node]


def _depth(left: NDArray[np.integer], right: NDArray[np.integer]) -> int:
    """Return how many steps the longest way down has, over all trees `(T, M)`."""
    return len(_levels(left, right)) - 1


def reachable(left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which nodes `(T, M)` there is a way to from the first of their tree; the others are room that is left.

    >>> import numpy as np
    >>> from hepad.exporting.unrolled_trees import reachable
    >>> reachable(np.array([[1, 1, 2, 3]]), np.array([[2, 1, 2, 3]]))
    array([[ True,  True,  True, False]])
    """
    return np.asarray(np.logical_or.reduce(_levels(left, right)))


def _levels(left: NDArray[np.integer], right: NDArray[np.integer]) -> list[NDArray[np.bool_]]:
    """Return which nodes `(T, M)` are so many steps below the first of their tree, step by step."""
    n_nodes = left.shape[1]
    reached = np.zeros(left.shape, dtype=bool)
    reached[:, 0] = True
    levels = [reached]
    while len(levels) <= n_nodes:
        below = np.zeros_like(reached)
        for side in (left, right):
            tree, node = np.nonzero(levels[-1] & (side != np.arange(n_nodes)))
            below[tree, side[tree, node]] = True
        if not below.any():
            break
        levels.append(below)
    return levels


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """Return for each float64 the largest float32 that does not exceed it."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
