"""Adam's one update by itself: the bits of the optimiser, whatever its settings; and the optimiser where it must be."""

import copy

import pytest
import torch
from torch import nn

from hepad.steps.fused_adam import FusedAdam

SETTINGS = {
    "plain": (torch.optim.Adam, {}),
    "weight decay": (torch.optim.Adam, {"weight_decay": 0.1}),
    "decoupled weight decay": (torch.optim.AdamW, {"weight_decay": 0.1}),
    "other moments": (torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}),
    "largest squares": (torch.optim.Adam, {"amsgrad": True}),
    "uphill": (torch.optim.Adam, {"maximize": True}),
    "not fused": (torch.optim.Adam, {"fused": False}),
}


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.BatchNorm1d(7), nn.Linear(7, 5))


def train(model, optimizer, update, steps=6, before=lambda step: None):
    data = torch.randn(steps, 32, 5, generator=torch.Generator().manual_seed(1))
    for i, x in enumerate(data):
        before(i)
        optimizer.zero_grad()
        (model(x) - x).square().mean().backward()
        update()


def both(kind, settings, change=lambda optimizer, step: None):
    """Return weights and moments of a training by the optimiser and by `FusedAdam`, and how often this asked for it."""
    found, calls = [], []
    for by_itself in (False, True):
        model = network()
        optimizer = kind(model.parameters(), lr=0.01, **{"fused": True, **settings})
        plain = optimizer.step
        if by_itself:
            optimizer.step = lambda plain=plain: (calls.append(1), plain())
        update = FusedAdam(optimizer) if by_itself else plain
        train(model, optimizer, update, before=lambda step, optimizer=optimizer: change(optimizer, step))
        found.append([*model.parameters(), *(v for state in optimizer.state.values() for v in state.values())])
    return found, len(calls)


@pytest.mark.parametrize(("kind", "settings"), SETTINGS.values(), ids=SETTINGS)
def test_the_bits_are_those_of_the_optimiser(kind, settings):
    (expected, found), n_calls = both(kind, settings)
    assert len(expected) == len(found)
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))
    # The first step makes the moments.
    ordinary = not {"amsgrad", "maximize"} & settings.keys() and settings.get("fused", True)
    assert n_calls == (1 if ordinary else 6)


def test_a_learning_rate_that_changes_is_seen():
    def change(optimizer, step):
        optimizer.param_groups[0]["lr"] = 0.01 / (1 + step)

    (expected, found), _ = both(torch.optim.Adam, {}, change)
    (constant, _), _ = both(torch.optim.Adam, {})
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))
    assert not torch.equal(expected[0], constant[0])


def test_moments_that_are_loaded_are_taken():
    def change(optimizer, step):
        if step == 3:
            state = copy.deepcopy(optimizer.state_dict())
            for one in state["state"].values():
                one["exp_avg"].zero_()
            optimizer.load_state_dict(state)

    (expected, found), _ = both(torch.optim.Adam, {}, change)
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


def test_hooks_and_weights_without_a_gradient_are_left_to_the_optimiser():
    model, seen = network(), []
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    update = FusedAdam(optimizer)
    train(model, optimizer, update, steps=2)
    hook = optimizer.register_step_post_hook(lambda *_: seen.append(1))
    train(model, optimizer, update, steps=2)
    assert seen == [1, 1]
    hook.remove()
    optimizer.zero_grad()
    before = [weights.clone() for weights in model.parameters()]
    model[3].weight.grad = torch.ones_like(model[3].weight)
    update()
    changed = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert changed == [weights is model[3].weight for weights in model.parameters()]


def test_groups_of_their_own_are_left_to_the_optimiser():
    model = network()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[3].parameters(), "lr": 0.0}]
    optimizer = torch.optim.Adam(groups, fused=True)
    still = model[3].weight.clone()
    train(model, optimizer, FusedAdam(optimizer), steps=3)
    assert torch.equal(model[3].weight, still)
