"""Restarts that stop early, fail, or run beside others."""

import time
from itertools import pairwise

import pytest
import torch
from tests.unit.inference.plain_search import (
    GAMMA_THETA,
    GAMMA_Z,
    LATENT,
    N_SEED,
    STEPS,
    entries,
    generator,
    search,
    trained,
)
from torch import Tensor, nn

from hepad.inference import LatentSearch, SearchSettings


@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
def test_a_stopped_restart_keeps_its_loss_and_leaves_the_others_alone(gamma_theta: float) -> None:
    network = trained("linear")
    x, start = entries(network, 8)
    full = search(network, x, start, gamma_theta=gamma_theta)
    tolerance = float((1 - full.trace[..., 4] / full.trace[..., 3]).median())
    early = search(network, x, start, gamma_theta=gamma_theta, tolerance=tolerance, patience=1)
    assert 0 < (early.steps < STEPS).float().mean() < 1
    for i in range(8):
        for j in range(N_SEED):
            n = int(early.steps[i, j])
            expected = full.trace[i, j, : n + 1]
            torch.testing.assert_close(early.trace[i, j, : n + 1], expected, rtol=0, atol=1e-12)
            assert (early.trace[i, j, n:] == early.trace[i, j, n]).all()
            # It stops at the first step that gained too little, and not before.
            gains = [b < a * (1 - tolerance) for a, b in pairwise(expected.tolist())]
            assert all(gains[:-1])
            assert n == STEPS or not gains[-1]


@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
def test_a_loss_that_overflows_ends_its_own_restart_only(gamma_theta: float) -> None:
    network = trained("linear")
    x, start = entries(network, 4)
    sound = search(network, x, start, gamma_theta=gamma_theta)
    start[1, 2] = torch.nan
    x[3] = 1e200
    found = search(network, x, start, gamma_theta=gamma_theta)
    expected = torch.zeros(4, N_SEED, dtype=torch.bool)
    expected[1, 2] = True
    expected[3] = True
    assert torch.equal(found.failed, expected)
    torch.testing.assert_close(found.trace[~expected], sound.trace[~expected], rtol=0, atol=1e-12)
    scores = found.scores("mean")
    assert scores[:3].isfinite().all()
    torch.testing.assert_close(scores[1], found.losses[1, :2].mean(), rtol=0, atol=1e-12)
    assert scores[3].isnan()
    assert found.scores("min")[3].isnan()


class Dawdling(nn.Module):
    """Lets other threads in between its layers."""

    def forward(self, x: Tensor) -> Tensor:
        time.sleep(1e-4)
        return x


@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
def test_threads_do_not_see_each_other(gamma_theta: float) -> None:
    """Blocks side by side, some of whose restarts stop early."""
    network = trained("linear")
    network.insert(1, Dawdling())
    x, start = entries(network, 21)
    settings = SearchSettings(N_SEED, STEPS, GAMMA_Z, gamma_theta, tolerance=0.1 if gamma_theta else 0.015, patience=1)
    one = LatentSearch(generator(network), settings, dtype=torch.float64).bytes_per_entry
    found = []
    before = torch.get_num_threads()
    for n_threads in (1, 4):
        torch.set_num_threads(n_threads)
        search = LatentSearch(generator(network), settings, memory=2.5 * one, dtype=torch.float64)
        search.network.record = lambda n: None  # type: ignore[method-assign]
        found.append(search(x, start))
    torch.set_num_threads(before)
    assert 0 < (found[0].steps < STEPS).float().mean() < 1
    for alone, together in zip(*found, strict=True):
        assert torch.equal(alone, together)


def test_a_restart_that_failed_late_does_not_count() -> None:
    """Plain gradient descent at too large a rate grows step by step before it overflows."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(LATENT, 24), nn.Unflatten(1, (4, 6))).double()
    x, start = entries(network, 3)
    start[0, 1] *= 1e100
    settings = {"gamma_theta": 0, "gamma_z": 500.0, "optimizer": "sgd"}
    first_to_fail = int(search(network, x, start, steps=2000, **settings).steps[0, 1])
    found = search(network, x, start, steps=first_to_fail, **settings)
    expected = torch.zeros(3, N_SEED, dtype=torch.bool)
    expected[0, 1] = True
    assert torch.equal(found.failed, expected)
    assert found.losses.isfinite().all()
    torch.testing.assert_close(found.scores("mean")[0], found.losses[0, [0, 2]].mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(found.scores("min")[0], found.losses[0, [0, 2]].min(), rtol=0, atol=0)
    torch.testing.assert_close(found.scores("mean")[1:], found.losses[1:].mean(dim=1), rtol=1e-12, atol=0)
