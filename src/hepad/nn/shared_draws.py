"""Random numbers for the batch of all processes of a training, of which each takes those of its own entries."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, distributed, nn


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


class SharedDropout(nn.Dropout):
    """Dropout with the mask that one process would draw for the whole batch."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` `(B, …)` with some elements set to 0 and the others scaled, in training."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        return x * draw_for_batch(
            lambda shape: super(SharedDropout, self).forward(x.new_ones(shape)), x.shape, x.device
        )


class SharedDropout2d(nn.Dropout2d):
    """The same for whole channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` `(B, C, H, W)` with some channels set to 0 and the others scaled, in training."""
        if not self.training or not distributed.is_initialized():
            return super().forward(x)
        kept = (*x.shape[:2], 1, 1)
        return x * draw_for_batch(lambda shape: super(SharedDropout2d, self).forward(x.new_ones(shape)), kept, x.device)


SHARED_DROPOUT: dict[type[nn.Module], type[nn.Module]] = {
    nn.Dropout: SharedDropout,
    nn.Dropout2d: SharedDropout2d,
}
