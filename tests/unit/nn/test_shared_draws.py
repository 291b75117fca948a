"""Two processes draw what one would draw for the batch of both."""

from pathlib import Path

import pytest
import torch
from tests.runs.killing import PROCESSES
from torch import distributed, nn

from hepad.core.gathering import draw_for_batch
from hepad.nn.shared_batch_norm import SharedDropout, SharedDropout2d

ENTRIES = torch.arange(1.0, 97.0).reshape(8, 3, 2, 2)


def of_one_process(rows: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    draws = [nn.Dropout(0.4)(ENTRIES), nn.Dropout2d(0.4)(ENTRIES), torch.randn(rows, 5)]
    return [*draws, torch.rand(1)]


def _take_part(rank: int, directory: str, shares: list[int]) -> None:
    address = f"file://{directory}/meeting"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    torch.manual_seed(0)
    own = ENTRIES[rank::2]
    draws = [SharedDropout(0.4)(own), SharedDropout2d(0.4)(own)]
    draws.append(draw_for_batch(torch.randn, (shares[rank], 5), torch.device("cpu")))
    torch.save([*draws, torch.rand(1)], f"{directory}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.parametrize(
    "shares", [pytest.param([4, 4], marks=pytest.mark.thorough), [5, 2]], ids=["equal shares", "others"]
)
def test_each_process_takes_its_rows_of_the_whole(tmp_path: Path, shares):
    processes = [PROCESSES.Process(target=_take_part, args=(rank, str(tmp_path), shares)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    whole = of_one_process(sum(shares))
    left, right = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for one, *pair in zip(whole[:2], left[:2], right[:2], strict=True):
        assert torch.equal(pair[0], one[::2])
        assert torch.equal(pair[1], one[1::2])
        assert 0 < (one == 0).float().mean() < 1
    together = torch.cat([left[2], right[2]])
    if shares[0] == shares[1]:
        together = torch.stack([left[2], right[2]], 1).flatten(0, 1)
    assert torch.equal(together, whole[2])
    # They go on from the same state.
    assert left[3] == right[3] == whole[3]
