"""Modules that say what a model's own say, of operations that exporters know: no loops until done, no solvers."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hepad.exporting.native_trees import TreeSums
from hepad.models import AnomalyModel
from hepad.models.averaged import AveragedModel
from hepad.models.filled_slots import take_filled_slots
from hepad.models.td_ae import TimeDistributedAutoencoder
from hepad.models.trees import Trees
from hepad.nn.normal_mixture import NormalMixture


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


def exportable(model: AnomalyModel, native: bool = False) -> AnomalyModel:
    """Return a copy of a model, in eval mode and without gradients, with stand-ins in their places.

    Args:
        model: the model.
        native: have trees as ONNX's own operator, which only an ONNX model can compute.
    """
    with torch.no_grad():
        copied = copy.deepcopy(model).cpu().eval().requires_grad_(False)
        for part in list(copied.modules()):
            if isinstance(part, Trees):
                _replace_trees(part, native)
            elif isinstance(part, AveragedModel):
                _unroll_epochs(part)
            elif isinstance(part, TimeDistributedAutoencoder):
                take_filled_slots(part)
        for part in list(copied.modules()):
            for name, child in list(part.named_children()):
                if isinstance(child, NormalMixture):
                    setattr(part, name, UnrolledMixture(child))
    return copied


def _replace_trees(model: Trees, native: bool) -> None:
    """Put sums of trees in the place of trees, of boosting those of each member over what was grown alone."""
    if model.kind != "boosting":
        n_trees = len(model.trees.feature)
        # The mean over one number, which the score takes, is that number.
        setattr(model, "trees", TreeSums(model.trees, [n_trees], scale=1 / n_trees, native=native))  # noqa: B010
        return
    grown = model.grown.cpu().tolist()
    chosen = [i * model.max_iter + j for i, n_trees in enumerate(grown) for j in range(n_trees)]
    sums = TreeSums(model.trees, grown, chosen, model.baseline, native=native)
    setattr(model, "trees", sums)  # noqa: B010
    setattr(model, "member_logits", sums.forward)  # noqa: B010


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
