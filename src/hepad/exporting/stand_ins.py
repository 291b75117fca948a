"""Modules that say what a model's own say, of operations that exporters know: no loops until done, no solvers."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hepad.models import AnomalyModel
from hepad.models.averaged import AveragedModel
from hepad.models.trees import Trees
from hepad.nn.normal_mixture import NormalMixture
from hepad.nn.trees import TreeEnsemble


class UnrolledTrees(nn.Module):
    """A `TreeEnsemble` with as many steps as its deepest tree has, and one table of nodes for all of its trees.

    Args:
        trees: the ensemble.
        chosen: which of its trees, and in which order; None for all.

    >>> import torch
    >>> from hepad.exporting.stand_ins import UnrolledTrees
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

    def forward(self, x: Tensor, trees: slice | None = None) -> Tensor:
        """Return what each tree says of entries `x` `(B, F)`: `(B, T)` float64."""
        node = self.root.expand(x.shape[0], -1)
        for _ in range(self.steps):
            value = x.gather(1, self.feature[node])
            node = torch.where(value <= self.threshold[node], self.left[node], self.right[node])
        said = self.value[node]
        return said if trees is None else said[:, trees]


class UnrolledMixture(nn.Module):
    """A `NormalMixture` with the inverse of each covariance's root in place of a solver.

    Args:
        mixture: the mixture.
    """

    inverse: Tensor
    mean: Tensor
    constant: Tensor

    def __init__(self, mixture: NormalMixture) -> None:
        super().__init__()
        inverse = torch.linalg.inv(mixture.root)
        size = mixture.root.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        n_features = mixture.mean.shape[1]
        self.register_buffer("inverse", inverse.transpose(1, 2).contiguous())
        self.register_buffer("mean", mixture.mean.unsqueeze(1))
        self.register_buffer(
            "constant", (mixture.weight.log() - size - 0.5 * n_features * np.log(2 * np.pi)).unsqueeze(1)
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return ln p `(B,)`, float64, of `z` `(B, F)`."""
        unit = (z.double().unsqueeze(0) - self.mean) @ self.inverse
        each = self.constant - 0.5 * unit.square().sum(dim=2)
        # The largest first, as exporters know no logsumexp of float64.
        largest = each.amax(dim=0)
        return (each - largest).exp().sum(dim=0).log() + largest


def exportable(model: AnomalyModel) -> AnomalyModel:
    """Return a copy of a model, in eval mode and without gradients, with stand-ins in their places."""
    with torch.no_grad():
        copied = copy.deepcopy(model).cpu().eval().requires_grad_(False)
        for part in list(copied.modules()):
            if isinstance(part, Trees) and part.kind == "boosting":
                _unroll_boosting(part)
            elif isinstance(part, AveragedModel):
                _unroll_epochs(part)
        for part in list(copied.modules()):
            for name, child in list(part.named_children()):
                if isinstance(child, TreeEnsemble):
                    setattr(part, name, UnrolledTrees(child))
                elif isinstance(child, NormalMixture):
                    setattr(part, name, UnrolledMixture(child))
    return copied


def _unroll_boosting(model: Trees) -> None:
    """Leave the trees that were grown alone in their places, and compute all members' at once."""
    grown = model.grown.cpu().tolist()
    chosen = [i * model.max_iter + j for i, n_trees in enumerate(grown) for j in range(n_trees)]
    trees = UnrolledTrees(model.trees, chosen)
    setattr(model, "trees", trees)  # noqa: B010
    setattr(model, "member_logits", partial(_member_logits, trees, model.baseline.clone(), grown))  # noqa: B010


def _unroll_epochs(model: AveragedModel) -> None:
    """Put networks with the weights of the epochs that are averaged in the place of the buffers that hold them."""
    if model.best_epochs is None or not model.best_epochs.epochs:
        return
    networks = []
    for weights in model.best_epochs.members(model.network):
        network = copy.deepcopy(model.network)
        network.load_state_dict(weights, strict=False)
        networks.append(network)
    setattr(model, "best_epochs", None)  # noqa: B010
    setattr(model, "epoch_networks", nn.ModuleList(networks))  # noqa: B010
    setattr(model, "each_epoch", partial(_each_epoch, networks))  # noqa: B010


def _each_epoch(networks: list[nn.Module], *arguments: Any) -> Iterator[Any]:
    """Yield what each network says."""
    for network in networks:
        yield network(*arguments)


def _member_logits(trees: UnrolledTrees, baseline: Tensor, grown: list[int], x: Tensor) -> Tensor:
    """Return the logits `(B, members)`, float64, of every boosted classifier."""
    parts = trees(x).split(grown, dim=1)
    return torch.stack([part.sum(dim=1) for part in parts], dim=1) + baseline


def _depth(left: np.ndarray, right: np.ndarray) -> int:
    """Return how many steps the longest way down has, over all trees `(T, M)`."""
    n_trees, n_nodes = left.shape
    reached = np.zeros((n_trees, n_nodes), dtype=bool)
    reached[:, 0] = True
    for steps in range(n_nodes):
        below = np.zeros_like(reached)
        for side in (left, right):
            where = reached & (side != np.arange(n_nodes))
            tree, node = np.nonzero(where)
            below[tree, side[tree, node]] = True
        if not below.any():
            return steps
        reached = below
    return int(n_nodes)


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """Return for each float64 the largest float32 that does not exceed it."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
