"""The best epochs: those of lowest loss and no others, with the weights that they had."""

import math

import pytest
import torch
from torch.func import functional_call

from hepad.nn import BestEpochs

LOSSES = {
    "the first is the best": [0.1, 0.9, 0.8, 0.7, 0.6, 0.5],
    "the last is the best": [0.9, 0.8, 0.7, 0.6, 0.5, 0.1],
    "all alike": [0.5] * 6,
    "up and down": [0.5, 0.2, 0.9, 0.3, 0.1, 0.4],
}


def trained(keep, losses):
    network = torch.nn.Linear(2, 1)
    best = BestEpochs(keep, network)
    for epoch, loss in enumerate(losses):
        torch.nn.init.constant_(network.weight, float(epoch))
        best.offer(network, loss, epoch)
    torch.nn.init.constant_(network.weight, -1.0)
    return network, best


@pytest.mark.parametrize("keep", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES.keys())
def test_exactly_the_epochs_of_lowest_loss_are_kept_counted_from_zero(keep, losses):
    network, best = trained(keep, losses)
    expected = sorted(sorted(range(len(losses)), key=lambda epoch: losses[epoch])[:keep])
    assert best.epochs == expected
    assert [float(weights["weight"][0, 0]) for weights in best.members(network)] == expected
    assert best.mean_loss == pytest.approx(sum(losses[epoch] for epoch in expected) / len(expected))


def test_members_compute_with_the_weights_of_their_epoch_and_change_none():
    network, best = trained(2, [0.3, 0.1, 0.2])
    x = torch.ones(1, 2)
    found = [
        float((functional_call(network, weights, (x,)) - weights["bias"]).detach()) for weights in best.members(network)
    ]
    assert found == pytest.approx([2.0, 4.0], abs=1e-6)
    assert (network.weight == -1).all()


def test_an_epoch_counts_once_and_a_lost_one_never():
    network, best = trained(3, [0.3, math.nan, 0.2])
    best.offer(network, 0.1, 2)
    assert best.epochs == [0, 2]
    assert torch.allclose(best.loss.sort().values[:2], torch.tensor([0.2, 0.3]))


def test_the_state_dict_holds_it_all():
    network, best = trained(3, [0.3, 0.1, 0.2, 0.4])
    other = BestEpochs(3, network)
    other.load_state_dict(best.state_dict())
    assert other.epochs == best.epochs
