"""Decision trees as one operator of ONNX, `TreeEnsembleRegressor`, in place of a gather for each step down."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepad.exporting.unrolled_trees import UnrolledTrees, reachable
from hepad.nn.trees import TreeEnsemble

_OPERATOR: Final = "TreeEnsembleRegressor"
_DOMAIN: Final = "ai.onnx.ml"
# The first that takes float64 thresholds, of ONNX 1.11.
_VERSION: Final = 3
_PLACE: Final = "hepad_trees"


class TreeSums(nn.Module):
    """Sums over groups of trees, `(B, G)` float64.

    A program of torch.export follows `UnrolledTrees`. An ONNX model has one operator instead, of which ONNX Runtime
    walks each tree to its leaf and no further, entries and trees side by side: as steps of all trees together, each as
    often as the deepest one is deep, a batch took six to nine times as long (docs/to_a_trigger.md). The operator adds
    in float64, and gives float32.

    Args:
        trees: the ensemble.
        groups: how many trees each group has, one after the other.
        chosen: which trees, and in which order; None for all.
        begin: `(G,)` what each sum begins with; None for 0.
        scale: what each tree's value is multiplied by.
        native: write the operator.

    >>> import torch
    >>> from hepad.exporting.native_trees import TreeSums
    >>> from hepad.nn import TreeEnsemble
    >>> TreeSums(TreeEnsemble(3, 5), [2, 1])(torch.zeros(4, 2)).shape
    torch.Size([4, 2])
    """

    begin: Tensor

    def __init__(
        self,
        trees: TreeEnsemble,
        groups: Sequence[int],
        chosen: list[int] | None = None,
        begin: Tensor | None = None,
        scale: float = 1.0,
        native: bool = False,
    ) -> None:
        super().__init__()
        self.groups, self.scale, self.native = list(groups), scale, native
        rows = list(range(len(trees.feature))) if chosen is None else chosen
        self.register_buffer("begin", torch.zeros(len(groups), dtype=torch.float64) if begin is None else begin.clone())
        self.trees = None if native else UnrolledTrees(trees, rows)
        self.nodes = {name: buffer[rows].cpu().numpy() for name, buffer in trees.named_buffers()} if native else {}

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums of entries `x` `(B, F)`."""
        if self.trees is None:
            shape = (x.shape[0], len(self.groups))
            sums: Tensor = torch.onnx.ops.symbolic(
                f"{_DOMAIN}::{_OPERATOR}",
                (x.double(),),
                {_PLACE: 1},
                dtype=torch.float32,
                shape=shape,
                version=_VERSION,
            )
            return sums.double()
        parts = self.trees(x).split(self.groups, dim=1)
        return torch.stack([part.sum(dim=1) for part in parts], dim=1) * self.scale + self.begin.double()

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the operator: the nodes that can be reached, tree by tree."""
        left, right = self.nodes["left"].astype(np.int64), self.nodes["right"].astype(np.int64)
        tree, node = np.nonzero(reachable(left, right))
        below, above = left[tree, node], right[tree, node]
        leaf = below == node
        group = np.repeat(np.arange(len(self.groups)), self.groups)
        values: NDArray[np.float64] = np.where(leaf, 0.0, self.nodes["threshold"][tree, node])
        return {
            "nodes_treeids": tree,
            "nodes_nodeids": node,
            "nodes_featureids": np.where(leaf, 0, self.nodes["feature"][tree, node]),
            "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
            "nodes_values_as_tensor": values,
            "nodes_truenodeids": np.where(leaf, 0, below),
            "nodes_falsenodeids": np.where(leaf, 0, above),
            "nodes_missing_value_tracks_true": np.where(leaf, 0, self.nodes["missing_left"][tree, node]),
            "target_treeids": tree[leaf],
            "target_nodeids": node[leaf],
            "target_ids": group[tree[leaf]],
            "target_weights_as_tensor": self.nodes["value"][tree[leaf], node[leaf]] * self.scale,
            "base_values_as_tensor": self.begin.cpu().double().numpy(),
            "n_targets": len(self.groups),
            "aggregate_function": "SUM",
            "post_transform": "NONE",
        }


def fill_trees(model: Any, scorer: nn.Module) -> None:
    """Give the operators of an ONNX model their trees, in the order in which they are computed.

    They are no part of the program that it is made of, where each of some 100,000 nodes would be a word of its code.

    Args:
        model: the protocol buffer.
        scorer: the module that it was made of.
    """
    from onnx import helper, numpy_helper

    trees = [part for part in scorer.modules() if isinstance(part, TreeSums) and part.native]
    nodes = [node for node in model.graph.node if node.op_type == _OPERATOR and node.domain == _DOMAIN]
    if len(nodes) != len(trees):
        raise ValueError(f"{len(nodes)} operators of trees, for {len(trees)} ensembles")
    for node, part in zip(nodes, trees, strict=True):
        del node.attribute[:]
        for name, value in part.attributes().items():
            plain = value
            if isinstance(value, np.ndarray):
                plain = numpy_helper.from_array(value) if name.endswith("_as_tensor") else value.tolist()
            node.attribute.append(helper.make_attribute(name, plain))
