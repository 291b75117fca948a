"""The base of all reconstruction losses, their mean over a batch by weight, and weighted sums of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hepad.core.schema import Structure


def weighted_mean(values: Tensor, weight: Tensor | None = None, total: Tensor | float | None = None) -> Tensor:
    """Return Σ w v / Σ w `()`, the plain mean without weights; 0 where all weights are 0.

    Weights that are all 1 give the plain mean to the last bit.

    Args:
        values: `(B,)`.
        weight: `(B,)` numbers from 0 on any scale.
        total: what to divide by instead of Σ w, where the batch is a share of a larger one.

    >>> import torch
    >>> weighted_mean(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]))
    tensor(2.)
    """
    if weight is None:
        return values.mean()
    whole = weight.sum() if total is None else torch.as_tensor(total).to(weight)
    return (values * weight).sum() / whole.clamp(min=torch.finfo(weight.dtype).tiny)


class ReconstructionLoss(nn.Module, ABC):
    """Measure of how badly entries are reconstructed: `loss(x_hat, x) -> (B,)`, one value per entry.

    Training averages the values over the batch; the same values are the anomaly score.

    Attributes:
        structures: the structures of entries (`hepad.core.schema`) the loss is defined for; None for all.

    >>> import torch
    >>> from hepad.losses import ReconstructionLoss
    >>> class LargestError(ReconstructionLoss):
    ...     def forward(self, x_hat, x, mask=None):
    ...         return (x_hat - x).abs().flatten(1).amax(dim=1)
    >>> LargestError()(torch.tensor([[1.0, -3.0]]), torch.zeros(1, 2))
    tensor([3.])
    """

    structures: ClassVar[frozenset[Structure] | None] = None

    def fit(self, z: Tensor) -> None:
        """Take what the loss must know of the background: its normalised training entries `z` `(N, *entry_shape)`.

        What is found belongs into buffers, so that a checkpoint alone scores.

        Raises:
            UserError: the loss is not defined for such entries.
        """

    def fit_units(self, center: Tensor, scale: Tensor) -> None:
        """Take the units of what is compared: x = center + scale · z, `(F,)` each, `(C, 1, 1)` of images.

        Called before `fit`, for losses that know what a column means. Of the normaliser `log` they are those of ln(1 +
        |x|); `layer` and `none` have 0 and 1.

        Raises:
            ValueError: the loss is not defined for such entries.
        """

    @abstractmethod
    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` values for `x_hat` and `x` of shape `(B, *entry_shape)`.

        Args:
            x_hat: reconstruction.
            x: original.
            mask: `(B, S)`, true for slots that count; entries without any real slot have loss 0.
        """

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor | None:
        """Return where the loss comes from, of the shape of `x`: its mean over all elements of an entry is the loss.

        None for a loss that cannot be told apart like this.
        """
        return None


class ElementwiseLoss(ReconstructionLoss):
    """A loss that is the mean of one number per element.

    >>> import torch
    >>> from hepad.losses import ElementwiseLoss
    >>> class FourthPower(ElementwiseLoss):
    ...     def elementwise(self, x_hat, x):
    ...         return (x_hat - x) ** 4
    >>> events, mask = torch.ones(1, 3, 2), torch.tensor([[True, True, False]])
    >>> FourthPower()(2 * events, events, mask)
    tensor([1.])
    """

    @abstractmethod
    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return the loss of each element, of the shape of `x`."""

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the mean over the (real) elements of each entry, `(B,)`."""
        return mean_per_entry(self.elementwise(x_hat, x), mask)


def mean_per_entry(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean of `values` `(B, …)` over all but the first axis, `(B,)`.

    With a `mask` `(B, S)` only true slots of `values` `(B, S, F)` count.

    >>> import torch
    >>> from hepad.losses import mean_per_entry
    >>> values = torch.tensor([[[1.0, 3.0], [100.0, 100.0]]])
    >>> mean_per_entry(values), mean_per_entry(values, torch.tensor([[True, False]]))
    (tensor([51.]), tensor([2.]))
    """
    if mask is None:
        return values.flatten(1).mean(dim=1)
    counted = torch.where(mask.unsqueeze(-1), values, torch.zeros_like(values))
    n_elements = mask.sum(dim=1).clamp(min=1) * values.shape[-1]
    return counted.flatten(1).sum(dim=1) / n_elements


class WeightedSum(ReconstructionLoss):
    """Σ weight · loss, entry by entry.

    Losses have scales of their own (MSE of heavy tails exceeds 1 by far, SSIM stays below 2), so equal weights do not
    mean equal say.

    Args:
        terms: name → `{"weight": w, "loss": a ReconstructionLoss}`; a term of weight 0 is left out.

    Raises:
        ValueError: a weight that is negative or not finite, or no term left.

    >>> import torch
    >>> from hepad.losses import MAE, MSE, WeightedSum
    >>> loss = WeightedSum({"mse": {"weight": 1.0, "loss": MSE()}, "mae": {"weight": 0.5, "loss": MAE()}})
    >>> loss(torch.tensor([[2.0], [4.0]]), torch.zeros(2, 1))
    tensor([ 5., 18.])
    """

    def __init__(self, terms: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        for name, term in terms.items():
            if not 0 <= float(term["weight"]) < math.inf:
                raise ValueError(f"terms.{name}.weight={term['weight']}; a number from 0 is needed")
        kept = {name: term for name, term in terms.items() if term["weight"] > 0}
        if not kept:
            raise ValueError(f"no term of positive weight among {', '.join(terms) or 'none'}")
        self.weights = {name: float(term["weight"]) for name, term in kept.items()}
        self.losses = nn.ModuleDict({name: term["loss"] for name, term in kept.items()})

    def fit(self, z: Tensor) -> None:
        """Let every term take what it must know of the background."""
        for loss in self._losses().values():
            loss.fit(z)

    def fit_units(self, center: Tensor, scale: Tensor) -> None:
        """Let every term take the units of what is compared."""
        for loss in self._losses().values():
            loss.fit_units(center, scale)

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the `(B,)` sums."""
        values = [self.weights[name] * loss(x_hat, x, mask) for name, loss in self._losses().items()]
        total: Tensor = sum(values[1:], start=values[0])
        return total

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor | None:
        """Return the weighted sum of what the terms say; None where one of them says nothing."""
        total = torch.zeros_like(x)
        for name, loss in self._losses().items():
            values = loss.elementwise(x_hat, x)
            if values is None:
                return None
            total = total + self.weights[name] * values
        return total

    def _losses(self) -> dict[str, ReconstructionLoss]:
        return {name: loss for name, loss in self.losses.items() if isinstance(loss, ReconstructionLoss)}
