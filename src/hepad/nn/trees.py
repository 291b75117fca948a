"""Decision trees as plain arrays, and what they say of entries: no pickle, nothing of scikit-learn's but numbers."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.nn.exact import ExactBuffers

_AT_ONCE = 1 << 21


class Tree(NamedTuple):
    """One decision tree of n nodes, the first of which is its root.

    Attributes:
        feature: `(n,)` the column that a node asks for.
        threshold: `(n,)` an entry goes left where its value is at most this.
        missing_left: `(n,)` whether it does where the value is NaN.
        left, right: `(n,)` the nodes below; a leaf has itself.
        value: `(n,)` what a leaf says.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]


class TreeEnsemble(ExactBuffers):
    """Decision trees in buffers of a fixed size, so that they travel with every checkpoint.

    Args:
        n_trees: number T of trees there is room for.
        n_nodes: number M of nodes that each has room for.

    >>> import numpy as np
    >>> import torch
    >>> from hepad.nn import TreeEnsemble
    >>> from hepad.nn.trees import Tree
    >>> below, above = np.array([1, 1, 2]), np.array([2, 1, 2])
    >>> stump = Tree(np.zeros(3, int), np.full(3, 0.5), np.ones(3, bool), below, above, np.array([0.0, -1.0, 1.0]))
    >>> trees = TreeEnsemble(1, 3)
    >>> trees.set_tree(0, stump)
    >>> trees(torch.tensor([[0.5], [0.6]])).flatten()
    tensor([-1.,  1.], dtype=torch.float64)
    """

    feature: Tensor
    threshold: Tensor
    missing_left: Tensor
    left: Tensor
    right: Tensor
    value: Tensor

    def __init__(self, n_trees: int, n_nodes: int) -> None:
        super().__init__()
        shape = (n_trees, n_nodes)
        # Without a tree every node is a leaf that says nothing.
        itself = torch.arange(n_nodes, dtype=torch.int32).expand(shape)
        self.register_buffer("feature", torch.zeros(shape, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("missing_left", torch.zeros(shape, dtype=torch.bool))
        self.register_buffer("left", itself.clone())
        self.register_buffer("right", itself.clone())
        self.register_buffer("value", torch.zeros(shape, dtype=torch.float64))

    def set_tree(self, i: int, tree: Tree) -> None:
        """Put a tree in place `i`.

        Raises:
            ValueError: more nodes than there is room for.
        """
        n = len(tree.feature)
        if n > self.feature.shape[1]:
            raise ValueError(f"a tree of {n} nodes, where there is room for {self.feature.shape[1]}")
        for name, values in tree._asdict().items():
            buffer = getattr(self, name)
            buffer[i, :n] = torch.from_numpy(np.ascontiguousarray(values)).to(buffer.dtype)

    def forward(self, x: Tensor, trees: slice | None = None) -> Tensor:
        """Return what each of some trees, or of all, says of entries `x` `(B, F)`: `(B, t)` float64."""
        exact = x.double()
        first, last, _ = (trees or slice(None)).indices(len(self.feature))
        chunk = max(1, _AT_ONCE // max(1, len(x)))
        said = [self._say(exact, slice(start, min(start + chunk, last))) for start in range(first, last, chunk)]
        return torch.cat(said, dim=1) if said else exact.new_zeros(len(x), 0)

    def _say(self, x: Tensor, trees: slice) -> Tensor:
        """The values `(B, t)` of the leaves that entries come to."""
        # Trees in rows, so that those of one node lie together.
        parts = {name: buffer[trees] for name, buffer in self.named_buffers()}
        node = torch.zeros(len(parts["feature"]), len(x), dtype=torch.int64, device=x.device)
        columns = x.T.contiguous()
        entry = torch.arange(len(x), device=x.device).expand_as(node)
        while True:
            value = columns[parts["feature"].gather(1, node).long(), entry]
            goes_left = torch.where(
                value.isnan(), parts["missing_left"].gather(1, node), value <= parts["threshold"].gather(1, node)
            )
            below = torch.where(goes_left, parts["left"].gather(1, node), parts["right"].gather(1, node)).long()
            if torch.equal(below, node):
                return parts["value"].gather(1, node).T
            node = below
