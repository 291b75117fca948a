"""Weights of the best epochs of a training, kept beside those of the current one, for a mean over what they say."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector


class BestEpochs(nn.Module):
    """The weights of the `keep` epochs of lowest validation loss, in buffers: they travel with every checkpoint.

    Args:
        keep: how many.
        network: whose weights; it stays where it is.

    >>> import torch
    >>> from hepad.nn import BestEpochs
    >>> network = torch.nn.Linear(1, 1, bias=False)
    >>> best = BestEpochs(2, network)
    >>> for epoch, loss in enumerate([0.1, 0.5, 0.3, 0.4]):
    ...     _ = torch.nn.init.constant_(network.weight, float(epoch))
    ...     best.offer(network, loss, epoch)
    >>> best.epochs, [weights["weight"].item() for weights in best.members(network)]
    ([0, 2], [0.0, 2.0])
    """

    loss: Tensor
    epoch: Tensor
    weights: Tensor

    def __init__(self, keep: int, network: nn.Module) -> None:
        super().__init__()
        size = sum(weight.numel() for weight in network.parameters())
        self.register_buffer("loss", torch.full((keep,), math.inf))
        self.register_buffer("epoch", torch.full((keep,), -1))
        self.register_buffer("weights", torch.zeros(keep, size))

    @property
    def epochs(self) -> list[int]:
        """The epochs that are kept, counted from 0 in the order of training."""
        return sorted(int(epoch) for epoch in self.epoch if epoch >= 0)

    @property
    def mean_loss(self) -> float:
        """The mean validation loss of the epochs that are kept."""
        return float(self.loss[self.epoch >= 0].mean())

    @torch.no_grad()
    def offer(self, network: nn.Module, loss: float, epoch: int) -> None:
        """Keep the weights as they are if the loss is among the lowest so far; of equal ones the earlier stays.

        An epoch that is offered again, after a training was resumed, counts once.
        """
        if epoch in self.epochs or not loss < float(self.loss.max()):
            return
        place = int(self.loss.argmax())
        self.loss[place], self.epoch[place] = loss, epoch
        self.weights[place] = parameters_to_vector(network.parameters()).to(self.weights.dtype)

    def members(self, network: nn.Module) -> Iterator[dict[str, Tensor]]:
        """Yield name → weight of each epoch that is kept, in order, for `torch.func.functional_call`."""
        for place in self.epoch.cpu().argsort().tolist():
            if self.epoch[place] < 0:
                continue
            sizes = [weight.numel() for weight in network.parameters()]
            parts = torch.split(self.weights[place], sizes)
            yield {
                name: part.view_as(weight)
                for (name, weight), part in zip(network.named_parameters(), parts, strict=True)
            }
