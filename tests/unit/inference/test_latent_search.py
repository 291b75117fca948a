"""The batched latent search against a plain one; and entries, blocks and restarts do not see each other."""

import copy

import pytest
import torch
from tests.unit.inference.plain_search import (
    GAMMA_THETA,
    GAMMA_Z,
    N_SEED,
    NETWORKS,
    STEPS,
    entries,
    generator,
    plain_search,
    search,
    trained,
)

from hepad.inference import LatentSearch, SearchSettings


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
@pytest.mark.parametrize("name", NETWORKS)
def test_agrees_with_the_plain_loop(name: str, gamma_theta: float, optimizer: str) -> None:
    network = trained(name)
    x, start = entries(network, 4)
    settings = SearchSettings(N_SEED, STEPS, GAMMA_Z, gamma_theta, optimizer)
    losses, codes, moved = plain_search(network, x, start, settings)
    found = search(network, x, start, gamma_theta=gamma_theta, optimizer=optimizer)
    torch.testing.assert_close(found.losses, losses, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.code, codes, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.moved, moved, rtol=0, atol=1e-10)
    assert (found.moved > 0.1).all() == (gamma_theta > 0 and optimizer == "adam")
    assert (found.steps == STEPS).all()


def test_weights_matter_at_this_rate() -> None:
    """Else agreement with the plain loop would say nothing about θ."""
    network = trained("conv")
    x, start = entries(network, 4)
    with_weights, without = (search(network, x, start, gamma_theta=rate).losses for rate in (GAMMA_THETA, 0.0))
    assert ((with_weights - without).abs() > 1e-2).all()


@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
@pytest.mark.parametrize("name", NETWORKS)
def test_order_and_blocks_change_nothing(name: str, gamma_theta: float) -> None:
    network = trained(name)
    x, start = entries(network, 9)
    whole = search(network, x, start, gamma_theta=gamma_theta)
    order = torch.tensor([4, 0, 8, 2, 6, 1, 7, 3, 5])
    permuted = search(network, x[order], start[order], gamma_theta=gamma_theta)
    torch.testing.assert_close(permuted.trace, whole.trace[order], rtol=0, atol=1e-12)
    settings = SearchSettings(N_SEED, STEPS, GAMMA_Z, gamma_theta)
    one = LatentSearch(generator(network), settings, dtype=torch.float64).bytes_per_entry
    in_blocks = LatentSearch(generator(network), settings, memory=2.5 * one, dtype=torch.float64)
    assert [rows.stop - rows.start for rows in in_blocks.blocks(9)] == [2, 2, 2, 2, 1]
    torch.testing.assert_close(in_blocks(x, start).trace, whole.trace, rtol=0, atol=1e-12)


@pytest.mark.parametrize("gamma_theta", [GAMMA_THETA, 0.0])
def test_an_entry_does_not_see_the_others(gamma_theta: float) -> None:
    network = trained("conv")
    x, start = entries(network, 5)
    before = search(network, x, start, gamma_theta=gamma_theta)
    x[2] = 100 * torch.randn_like(x[2])
    after = search(network, x, start, gamma_theta=gamma_theta)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(after.trace[others], before.trace[others], rtol=0, atol=1e-12)
    assert ((after.losses - before.losses)[2].abs() > 1).all()


def test_the_network_is_left_as_it_was() -> None:
    network = trained("conv").train()
    x, start = entries(network, 2)
    before = copy.deepcopy(network.state_dict())
    search(network, x, start)
    assert network.training
    assert all(weight.requires_grad for weight in network.parameters())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_one_restart_is_the_first_of_three() -> None:
    network = trained("linear")
    x, start = entries(network, 4)
    three = search(network, x, start)
    one = search(network, x, start[:, :1])
    torch.testing.assert_close(one.losses[:, 0], three.losses[:, 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(one.scores("mean"), three.losses[:, 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(three.scores("mean"), three.losses.mean(dim=1), rtol=0, atol=1e-12)
    assert torch.equal(three.scores("min"), three.losses.min(dim=1).values)


def test_the_trace_ends_with_each_shorter_search() -> None:
    """So scores against k can be read off one search."""
    network = trained("linear")
    x, start = entries(network, 3)
    long = search(network, x, start)
    for steps in (0, 1, 4):
        torch.testing.assert_close(
            search(network, x, start, steps=steps).losses, long.trace[..., steps], rtol=0, atol=1e-12
        )
