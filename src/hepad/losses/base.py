"""The base of all reconstruction losses."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from hepad.core.structure import Structure


class ReconstructionLoss(nn.Module, ABC):
    """How badly an entry is reconstructed: `loss(x_hat, x) -> (B,)`, one value per entry.

    Training averages the values over the batch; the same values are the anomaly score.

    Attributes:
        structures: the structures of entries (`hepad.core.structure`) the loss is defined for; None for all.

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
