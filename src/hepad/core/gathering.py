"""Work of several processes of a training, put together as if one had done it: results, random numbers, gradients."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from hepad.core.batch import Batch, drawn_by_weight, take_rows

Key = TypeVar("Key")


def place_in_training() -> tuple[int, int]:
    """Return the rank of this process and how many train together; (0, 1) for one alone."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def gather_interleaved(own: Mapping[Key, Tensor]) -> dict[Key, Tensor]:
    """Return the results of all processes, each `(N, …)` for N entries in all; every process must call this.

    Args:
        own: what this process found for its share of each set of entries: every n-th one, from its rank on. A process
            whose share of a set is empty may leave that set out.
    """
    shares: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(shares, dict(own))
    keys = dict.fromkeys(key for share in shares for key in share)
    return {key: interleave([share[key] for share in shares if key in share]) for key in keys}


def interleave(shares: Sequence[Tensor]) -> Tensor:
    """Return `(N, …)` entries of which share r holds those at r, r + n, r + 2n, … for n shares.

    Shares that would be empty may be missing at the end.
    """
    whole = torch.empty(sum(len(share) for share in shares), *shares[0].shape[1:], dtype=shares[0].dtype)
    for rank, share in enumerate(shares):
        whole[rank :: len(shares)] = share
    return whole


def draw_for_batch(draw: Callable[[Sequence[int]], Tensor], shape: Sequence[int], device: torch.device) -> Tensor:
    """Return `draw(shape)`; of several processes each draws for all entries and keeps the rows of its own.

    So they draw what one process would, as all of them share the state of the random generator. Every process must
    call this.

    Args:
        draw: returns random numbers of a shape.
        shape: `(B, …)`, B entries in this process: every n-th of those of n processes together. Where the processes
            have different numbers of rows, because empty slots were left out, the draws are independent but not those
            of one process.
        device: where the processes talk to each other.
    """
    if not distributed.is_initialized():
        return draw(shape)
    rank, n_processes = distributed.get_rank(), distributed.get_world_size()
    rows = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(n_processes)]
    distributed.all_gather(rows, torch.tensor([shape[0]], device=device))
    counts = [int(count) for count in rows]
    whole = draw((sum(counts), *shape[1:]))
    if len(set(counts)) == 1:
        return whole[rank::n_processes]
    return whole[sum(counts[:rank]) :][: counts[rank]]


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace gradients by their mean over all processes, each of which calls this with the same parameters."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not distributed.is_initialized() or not gradients:
        return
    together = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(together)
    together /= distributed.get_world_size()
    means = torch.split(together, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))


def drawn_from_batch(own: Batch) -> Batch:
    """Return `drawn_by_weight` of the batch of all processes, of which this one has every n-th entry."""
    if own.weight is None or not distributed.is_initialized():
        return drawn_by_weight(own)
    fields = {name: field for name, field in own._asdict().items() if field is not None}
    whole = Batch(**{name: field.to(own.x.device) for name, field in gather_interleaved(fields).items()})
    return take_rows(drawn_by_weight(whole), slice(distributed.get_rank(), None, distributed.get_world_size()))
