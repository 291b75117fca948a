import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.gathering import interleave
from hepad.data.loader import BatchLoader


@pytest.mark.parametrize("n_entries", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("n_processes", [2, 3])
def test_shares_put_together_are_the_whole_in_order(n_entries, n_processes):
    whole = torch.arange(n_entries)
    shares = [whole[rank::n_processes] for rank in range(n_processes)]
    assert torch.equal(interleave([share for share in shares if len(share)]), whole)


def test_processes_share_each_batch_evenly_and_no_entry_twice():
    loaders = [
        BatchLoader(Batch(torch.arange(50.0)[:, None]), 8, 3, drop_last=True, rank=r, world_size=2) for r in (0, 1)
    ]
    alone = BatchLoader(Batch(torch.arange(50.0)[:, None]), 8, 3, drop_last=True)
    for left, right, both in zip(*loaders, alone, strict=True):
        assert len(left.x) == len(right.x) == 4
        assert torch.equal(torch.stack([left.x, right.x], dim=1).flatten(0, 1), both.x)


def test_random_transformations_are_those_of_one_process():
    def noisy(batch: Batch, generator: torch.Generator) -> Batch:
        return Batch(batch.x + torch.rand(batch.x.shape, generator=generator))

    loaders = [BatchLoader(Batch(torch.zeros(16, 2)), 8, 3, rank=rank, world_size=2) for rank in (0, 1)]
    alone = BatchLoader(Batch(torch.zeros(16, 2)), 8, 3)
    for loader in (*loaders, alone):
        loader.transform = noisy
    for left, right, both in zip(*loaders, alone, strict=True):
        assert torch.equal(left.x, both.x[::2])
        assert torch.equal(right.x, both.x[1::2])
