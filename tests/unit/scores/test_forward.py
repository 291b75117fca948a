"""Chunks of entries through a model: the same bits by any number of threads, errors at their place."""

from contextlib import closing

import numpy as np
import pytest
import torch
from tests.gpu.cases import UNLIKE_PAIRS, Entries
from tests.left_out import covering

from hepad.core.batch import Batch, take_rows
from hepad.core.errors import UserError
from hepad.models import AnomalyModel
from hepad.scores.forward import Forward, is_finite, rows_at_once

CPU = torch.device("cpu")


class Own(AnomalyModel):
    structures = frozenset({"vector"})

    def score_batch(self, batch):
        return batch.x.sum(dim=1)


def all_scores(computed: Forward, batch: Batch, size: int) -> torch.Tensor:
    starts = range(0, len(batch.x), size)
    found = computed.scores(starts, lambda start: take_rows(batch, slice(start, start + size)))
    with closing(found):
        return torch.cat([torch.from_numpy(scores) for _, scores in found])


@pytest.fixture(scope="module")
def entries(tmp_path_factory) -> Entries:
    return Entries(tmp_path_factory.mktemp("entries"))


# Larger images go through the same networks.
@pytest.mark.parametrize("case", covering([pair for pair in UNLIKE_PAIRS if pair[1] != "jet_images"]))
def test_neither_threads_nor_chunks_change_a_bit_of_a_score(entries, case):
    model, data = entries.build(entries.config(*case))
    for part in model.eval().modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.3)
            part.running_var.uniform_(0.5, 2)
    seen = data.train_entries.batch
    rows = torch.randint(len(seen.x), (300,))
    batch = take_rows(Batch(seen.x, seen.mask, context=seen.context), rows)
    with torch.inference_mode():
        # Chunks of before.
        expected = torch.cat([model.anomaly_score(take_rows(batch, slice(i, i + 4096))) for i in range(0, 300, 4096)])
    for n_threads, size in ((1, 64), (2, 64), (3, 128)):
        computed = Forward(model, CPU)
        assert computed.n_threads == torch.get_num_threads()
        computed.n_threads = n_threads
        assert torch.equal(all_scores(computed, batch, size), expected)


def test_pytorch_has_its_threads_again(entries):
    model, _ = entries.build(entries.config("dense_ae", "jets"))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        computed = Forward(model.eval(), CPU)
        assert computed.n_threads == 2
        all_scores(computed, Batch(torch.rand(300, 17)), 64)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_model_of_a_users_own_is_asked_by_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        computed = Forward(Own((3,)).eval(), CPU)
        assert computed.n_threads == 1
        x = torch.rand(100, 3)
        assert torch.equal(all_scores(computed, Batch(x), 64), x.sum(dim=1))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_in_a_chunk_reaches_the_caller(entries, n_threads):
    model, _ = entries.build(entries.config("dense_ae", "jets"))
    computed = Forward(model.eval(), CPU)
    computed.n_threads = n_threads

    def chunk(i):
        if i == 3:
            raise UserError("row 3")
        return Batch(torch.rand(64, 17))

    found = computed.scores(range(9), chunk)
    with closing(found):
        assert [next(found)[0] for _ in range(3)] == [0, 1, 2]
        with pytest.raises(UserError, match="row 3"):
            next(found)


@pytest.mark.parametrize("shape", [(1,), (17,), (8, 17), (1, 18, 14), (4, 64, 64), (4, 2000, 2000)])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_chunks_are_powers_of_two_of_so_many_bytes(shape, device):
    n = rows_at_once(shape, device)
    assert n & (n - 1) == 0
    assert n == 1 or n * 4 * np.prod(shape) <= 32 << 20
    assert n <= 16384 or device == "cuda"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 500, 999])
def test_every_number_is_looked_at(bad, place):
    values = np.full((10, 100), 3e38, dtype=np.float32)
    assert is_finite(values)
    values.flat[place] = bad
    assert not is_finite(values)


def test_opposite_infinities_do_not_cancel():
    assert not is_finite(np.array([np.inf, -np.inf, 1], dtype=np.float32))
    assert is_finite(np.empty((0, 3), dtype=np.float32))
