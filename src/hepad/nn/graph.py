"""Graphs of the objects of a set: who is whose neighbour, edge convolutions, and an encoder made of them.

A graph is a matrix `(B, S, S)` of which edges there are. Nothing is gathered by index, so that every operation has a
deterministic backward pass on a GPU.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes, make_activation, mlp


def neighbours(x: Tensor, mask: Tensor, k: int | None) -> Tensor:
    """Return which objects are neighbours of which, `(B, S, S)` bool, the object of a row among its own.

    The k nearest count, the object itself among them, and all that are as near as the k-th; all objects where there are
    no more than k. Empty slots are nobody's neighbours and have none.

    Args:
        x: `(B, S, F)` objects.
        mask: `(B, S)` true for objects.
        k: how many; None for all, a complete graph.

    >>> import torch
    >>> from hepad.nn.graph import neighbours
    >>> x, mask = torch.tensor([[[0.0], [1.0], [3.0], [0.1]]]), torch.tensor([[True, True, True, False]])
    >>> neighbours(x, mask, k=2).int()
    tensor([[[1, 1, 0, 0],
             [1, 1, 0, 0],
             [0, 1, 1, 0],
             [0, 0, 0, 0]]], dtype=torch.int32)
    """
    pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
    if k is None or k >= x.shape[1]:
        return pairs
    x = x.detach()
    distances = (x.unsqueeze(2) - x.unsqueeze(1)).square().sum(dim=-1).masked_fill(~pairs, torch.inf)
    farthest = distances.topk(k, dim=2, largest=False).values[..., -1:]
    return (distances <= farthest) & pairs


class EdgeConv(nn.Module):
    """h_i = φ(max over neighbours j of Θ x_i + Φ (x_j − x_i)): features of edges, the largest of each, a perceptron φ.

    The edge convolution of Y. Wang et al., arXiv:1801.07829, with features that are linear in the edge: the part of x_i
    is the same for all neighbours, so that there are pairs of objects in the maximum alone. Empty slots are 0. Where
    several neighbours have the maximum they share its gradient.

    Args:
        n_in: width of an object.
        n_out: width of edges and of objects afterwards; the activation follows on both.
        activation: name of the activation function.

    >>> import torch
    >>> from hepad.nn.graph import EdgeConv, neighbours
    >>> x, mask = torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    >>> EdgeConv(3, 8, "relu")(x, neighbours(x, mask, k=3)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, n_in: int, n_out: int, activation: str) -> None:
        super().__init__()
        self.center = nn.Linear(n_in, n_out)
        self.edge = nn.Linear(n_in, n_out, bias=False)
        self.objects = nn.Sequential(make_activation(activation), nn.Linear(n_out, n_out), make_activation(activation))

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        """Return `(B, S, n_out)` for objects `x` `(B, S, n_in)` and `edges` `(B, S, S)`, neighbours along columns."""
        seen = self.edge(x)
        highest = torch.where(edges.unsqueeze(-1), seen.unsqueeze(1), -torch.inf).amax(dim=2)
        filled = edges.any(dim=2).unsqueeze(-1)
        highest = torch.where(filled, highest, torch.zeros_like(highest))
        found: Tensor = self.objects(self.center(x) - seen + highest)
        return torch.where(filled, found, torch.zeros_like(found))


class GraphEncoder(nn.Module):
    """Edge convolutions, mean and maximum over the objects, and a perceptron to a code.

    The graph of the first convolution is made of the objects themselves, that of each further one of what the one
    before it returned, as in ParticleNet (Qu, Gouskos, arXiv:1902.08570).

    Args:
        n_features: width F of an object.
        hidden: widths of the convolutions, at least one.
        latent: width of the code.
        k: neighbours of an object; None for all.
        activation: name of the activation function.

    Raises:
        ValueError: no convolution, or a size below 1.

    >>> import torch
    >>> from hepad.nn.graph import GraphEncoder
    >>> encoder = GraphEncoder(3, hidden=[16, 32], latent=8, k=4, activation="relu")
    >>> x, mask = torch.randn(2, 10, 3), torch.ones(2, 10, dtype=torch.bool)
    >>> torch.allclose(encoder(x, mask), encoder(x.flip(1), mask), atol=1e-6)
    True
    """

    def __init__(self, n_features: int, hidden: Sequence[int], latent: int, k: int | None, activation: str) -> None:
        super().__init__()
        if not hidden:
            raise ValueError("hidden=[]; at least one edge convolution is needed")
        check_sizes(hidden=hidden, latent=latent, neighbours=1 if k is None else k)
        self.k = k
        self.convolutions = nn.ModuleList(EdgeConv(a, b, activation) for a, b in pairwise([n_features, *hidden]))
        self.head = mlp([2 * hidden[-1], hidden[-1], latent], activation)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the codes `(B, latent)` of sets `(B, S, F)`, the objects of which are in `mask` `(B, S)`."""
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for convolution in self.convolutions:
            x = convolution(x, neighbours(x, mask, self.k))
        code: Tensor = self.head(torch.cat([_mean(x, mask), _maximum(x, mask)], dim=1))
        return code


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    return x.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def _maximum(x: Tensor, mask: Tensor) -> Tensor:
    highest = x.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(dim=1)
    return torch.where(mask.any(dim=1, keepdim=True), highest, torch.zeros_like(highest))


class SetDecoder(nn.Module):
    """A perceptron from a code to a fixed number of objects, `(B, S, F)`; those of a set are the first ones.

    Args:
        latent: width of the code.
        hidden: widths of the hidden layers.
        entry_shape: `(S, F)`.
        activation: name of the activation function.
    """

    def __init__(self, latent: int, hidden: Sequence[int], entry_shape: Sequence[int], activation: str) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        self.layers = mlp([latent, *hidden, self.entry_shape[0] * self.entry_shape[1]], activation)

    def forward(self, code: Tensor) -> Tensor:
        """Return `(B, S, F)` for codes `(B, latent)`."""
        objects: Tensor = self.layers(code)
        return objects.reshape(*objects.shape[:-1], *self.entry_shape)


def into_slots(objects: Tensor, mask: Tensor) -> Tensor:
    """Return the first objects of `(B, S, F)` in the slots of `mask` `(B, S)`, one in each, and 0 in the others.

    >>> import torch
    >>> from hepad.nn.graph import into_slots
    >>> into_slots(torch.tensor([[[1.0], [2.0], [3.0]]]), torch.tensor([[True, False, True]])).flatten()
    tensor([1., 0., 2.])
    """
    rank = mask.cumsum(dim=1) - 1
    chosen = (rank.unsqueeze(2) == torch.arange(mask.shape[1], device=mask.device)) & mask.unsqueeze(2)
    # A product with zeros and ones instead of indices, the backward pass of which adds with atomics on a GPU.
    return chosen.to(objects.dtype) @ objects
