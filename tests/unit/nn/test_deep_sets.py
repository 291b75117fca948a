"""DeepSets: the order of the jets and the number of empty slots cannot matter."""

import pytest
import torch

from hepad.nn import DeepSets

TOLERANCE = {"rtol": 1e-6, "atol": 1e-6}


@pytest.fixture(params=["max", "mean"])
def network(request):
    torch.manual_seed(0)
    return DeepSets(17, phi=[16, 8], rho=[4], pool=request.param)


@pytest.fixture
def events():
    torch.manual_seed(1)
    x = torch.randn(200, 8, 17) * 3
    mask = torch.arange(8) < torch.randint(0, 9, (200, 1))
    return x * mask.unsqueeze(-1), mask


def test_it_is_the_workshops(network):
    widths = [tuple(weight.shape) for name, weight in network.named_parameters() if "weight" in name]
    assert widths == [(16, 17), (8, 16), (4, 8), (1, 4)]


def test_permuting_the_slots_changes_nothing(network, events):
    x, mask = events
    order = torch.rand(200, 8).argsort(dim=1)
    shuffled = x.gather(1, order.unsqueeze(-1).expand_as(x)), mask.gather(1, order)
    torch.testing.assert_close(network(*shuffled), network(x, mask), **TOLERANCE)


def test_empty_slots_change_nothing_whatever_they_hold(network, events):
    x, mask = events
    longer = torch.cat([x, torch.full((200, 5, 17), 1e4)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(200, 5, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(network(longer, longer_mask), network(x, mask), **TOLERANCE)


def test_without_a_mask_every_slot_counts(network, events):
    x, mask = events
    torch.testing.assert_close(network(x), network(x, torch.ones_like(mask)), **TOLERANCE)


def test_pooling_a_set_by_hand(network, events):
    x, mask = events
    for event in range(20):
        jets = network.phi(x[event][mask[event]])
        pooled = torch.zeros(8)
        if len(jets):
            pooled = jets.amax(dim=0) if network.pool == "max" else jets.mean(dim=0)
        torch.testing.assert_close(network(x, mask)[event], network.rho(pooled).squeeze(), **TOLERANCE)


def test_events_without_jets_are_finite_and_have_gradients(network):
    output = network(torch.zeros(3, 8, 17), torch.zeros(3, 8, dtype=torch.bool))
    output.sum().backward()
    assert torch.isfinite(output).all()
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters() if weight.grad is not None)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="max, mean"):
        DeepSets(17, [16], [4], pool="sum")
    with pytest.raises(ValueError, match="phi"):
        DeepSets(17, [], [4])
