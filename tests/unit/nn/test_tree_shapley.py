"""Shapley values of trees against their definition, a sum over all coalitions."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.models import Trees
from hepad.models.trees import mean_slopes
from hepad.nn.tree_shapley import tree_shapley

FEATURES = 4


def grown(kind: str) -> Trees:
    torch.manual_seed(1)
    x = torch.randn(300, FEATURES)
    model = Trees((FEATURES,), kind=kind, members=2, max_iter=6, n_trees=5)
    # All numbers matter, and together: paths ask for the same one again and again.
    model.prepare(Batch(x, label=(x[:, 0] * x[:, 1] + x[:, 2] > 0.3 * x[:, 3]).long()))
    return model


def by_definition(say: object, x: Tensor, reference: Tensor) -> Tensor:
    """Return Σ over coalitions S without i of |S|! (F − |S| − 1)! / F! (v(S ∪ i) − v(S)), for one entry."""

    def worth(players: tuple[int, ...]) -> Tensor:
        mixed = reference.clone()
        mixed[list(players)] = x[list(players)]
        return say(mixed[None])[0]  # type: ignore[operator]

    values = []
    for i in range(FEATURES):
        others = [j for j in range(FEATURES) if j != i]
        total = torch.zeros_like(worth(()))
        for size in range(FEATURES):
            weight = math.factorial(size) * math.factorial(FEATURES - size - 1) / math.factorial(FEATURES)
            for players in itertools.combinations(others, size):
                total += weight * (worth((*players, i)) - worth(players))
        values.append(total)
    return torch.stack(values, dim=-1)


@pytest.mark.parametrize("kind", ["boosting", "isolation_forest"])
def test_values_are_those_of_the_definition(kind: str) -> None:
    model = grown(kind)
    generator = torch.Generator().manual_seed(5)
    x, reference = (torch.randn(6, FEATURES, generator=generator) for _ in range(2))
    x[0, 1], reference[1, 2] = torch.nan, torch.nan
    # The first two trees in one group, the third in none, the others in a second.
    groups = torch.ones(len(model.trees.feature), dtype=torch.int64)
    groups[:2], groups[2] = 0, -1

    def say(entries: Tensor) -> Tensor:
        each = model.trees(entries)
        return torch.stack([each[:, :2].sum(dim=1), each[:, 3:].sum(dim=1)], dim=1)

    found = tree_shapley(model.trees, groups, x, reference)
    expected = torch.stack([by_definition(say, *pair) for pair in zip(x, reference, strict=True)])
    assert expected.abs().amax() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_of_many_entries_each_is_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = grown("isolation_forest"), torch.randn(7, FEATURES)
    groups = torch.zeros(len(model.trees.feature), dtype=torch.int64)
    whole = tree_shapley(model.trees, groups, x, x.flip(0))
    monkeypatch.setattr("hepad.nn.tree_shapley._ENTRIES_TIMES_TREES", 10)
    torch.testing.assert_close(tree_shapley(model.trees, groups, x, x.flip(0)), whole)
    assert tree_shapley(model.trees, groups, x[:0], x[:0]).shape == (0, 1, FEATURES)
    assert not tree_shapley(model.trees, groups, x, x).any()


def test_mean_slopes_make_up_the_difference_of_logits_also_where_members_are_sure() -> None:
    start, end = (
        torch.tensor([[-2.0, 1.0, 0.3], [-60.0, 2.0, 0.0]]),
        torch.tensor([[5.0, -3.0, 0.3], [60.0, 80.0, 50.0]]),
    )
    start, end = start.double(), end.double()

    def logit(values: Tensor) -> Tensor:
        p, q = torch.sigmoid(values).mean(dim=1), torch.sigmoid(-values).mean(dim=1)
        return p.log() - q.log()

    change = (mean_slopes(start, end) * (end - start)).sum(dim=1)
    np.testing.assert_allclose(change[0], (logit(end) - logit(start))[0], rtol=1e-6)
    np.testing.assert_allclose(change[1], (logit(end) - logit(start))[1], rtol=0.05)
