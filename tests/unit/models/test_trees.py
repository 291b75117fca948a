"""Trees from plain arrays say what scikit-learn's say, and no classifier learns from what says when it stops."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from hepad.core.batch import Batch
from hepad.models import Trees
from hepad.models import trees as module
from hepad.models.trees import split_for_stopping
from hepad.nn import TreeEnsemble
from hepad.nn.trees import Tree

SMALL = {"members": 3, "max_iter": 20, "max_leaf_nodes": 8, "n_trees": 25}


def two_classes(n=800, seed=0):
    generator = torch.Generator().manual_seed(seed)
    label = (torch.rand(n, generator=generator) < 0.3).long()
    x = torch.randn(n, 4, generator=generator) + label.unsqueeze(1) * torch.tensor([1.0, 0.5, 0, 0])
    return Batch(x, label=label)


def grown(batch, seed=0, **settings):
    torch.manual_seed(seed)
    model = Trees(batch.x.shape[1:], **SMALL | settings)
    model.prepare(batch)
    return model.eval()


@pytest.fixture
def classifiers(monkeypatch):
    """The scikit-learn classifiers that a model grows, in order."""
    kept = []

    class Kept(HistGradientBoostingClassifier):
        def fit(self, *arguments, **options):
            kept.append((self, arguments, options))
            return super().fit(*arguments, **options)

    monkeypatch.setattr(module, "HistGradientBoostingClassifier", Kept)
    return kept


def test_boosted_trees_say_what_scikit_learns_do_missing_values_included(classifiers):
    batch = two_classes()
    batch.x[::7, 0] = torch.nan
    model = grown(batch)
    held = two_classes(500, seed=1).x
    held[::5, 1] = torch.nan
    found = model.member_logits(held).numpy()
    expected = np.stack([each.decision_function(held.double().numpy()) for each, _, _ in classifiers], 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    mean = expit(expected).mean(axis=1)
    np.testing.assert_allclose(model.anomaly_score(Batch(held)), logit(mean), rtol=1e-5, atol=1e-5)


def test_no_classifier_learns_from_the_entries_that_say_when_it_stops(classifiers):
    batch = two_classes()
    model = grown(batch)
    held = two_classes(300, seed=1).x.double().numpy()
    halves = []
    for i, (each, (x, y, weight), options) in enumerate(classifiers):
        learns, stops = ({tuple(row) for row in rows} for rows in (x, options["X_val"]))
        assert len(learns) + len(stops) == len(batch.x)
        assert not learns & stops
        halves.append(learns)
        # The same trees without the other half, as many of them.
        alone = HistGradientBoostingClassifier(
            max_iter=int(model.grown[i]), max_leaf_nodes=8, early_stopping=False, random_state=each.random_state
        ).fit(x, y, weight)
        np.testing.assert_allclose(alone.decision_function(held), each.decision_function(held), rtol=0, atol=1e-12)
    # Each has a half of its own.
    assert len(set(map(frozenset, halves))) == len(halves)


def test_both_labels_weigh_the_same_in_learning_and_in_stopping(classifiers):
    grown(two_classes()._replace(weight=torch.rand(800, generator=torch.Generator().manual_seed(3)) + 0.5))
    for _, (_, y, weight), options in classifiers:
        for label, of in ((y, weight), (options["y_val"], options["sample_weight_val"])):
            assert of[label == 0].sum() == pytest.approx(of[label == 1].sum(), rel=0.1)


def test_the_mean_of_more_classifiers_is_better_than_one():
    batch, held = two_classes(600), two_classes(4000, seed=1)

    def loss(members):
        model = grown(batch, members=members)
        return float(model.losses(held).mean())

    assert loss(8) < loss(1)


def test_the_isolation_forest_is_scikit_learns(monkeypatch):
    kept = []

    class Kept(IsolationForest):
        def fit(self, *arguments):
            kept.append(self)
            return super().fit(*arguments)

    monkeypatch.setattr(module, "IsolationForest", Kept)
    batch = two_classes()
    model = grown(batch, kind="isolation_forest")
    held = two_classes(300, seed=1).x
    expected = -kept[0].score_samples(held.numpy())
    np.testing.assert_allclose(model.double().anomaly_score(Batch(held.double())), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["boosting", "isolation_forest"])
def test_the_state_dict_holds_the_trees_and_a_seed_gives_them_again(kind):
    batch = two_classes()
    model, again, other = grown(batch, kind=kind), grown(batch, kind=kind), grown(batch, kind=kind, seed=1)
    assert torch.equal(model.anomaly_score(batch), again.anomaly_score(batch))
    assert not torch.equal(model.anomaly_score(batch), other.anomaly_score(batch))
    empty = Trees((4,), kind=kind, **SMALL)
    empty.load_state_dict(model.state_dict())
    assert torch.equal(model.anomaly_score(batch), empty.anomaly_score(batch))
    # Thresholds keep their digits in every precision.
    assert model.to(torch.bfloat16).trees.threshold.dtype == torch.float64


def test_a_split_keeps_the_shares_of_labels_and_at_least_one_of_each():
    label = np.array([1] * 3 + [0] * 97)
    for fraction in (0.01, 0.5, 0.99):
        learns, stops = split_for_stopping(label, fraction, np.random.default_rng(0))
        assert sorted([*learns, *stops]) == list(range(100))
        assert {*label[learns]} == {*label[stops]} == {0, 1}
    assert abs(len(split_for_stopping(label, 0.5, np.random.default_rng(0))[0]) - 50) <= 1


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="allowed: boosting, isolation_forest"):
        Trees((3,), kind="forest")
    with pytest.raises(ValueError, match=r"data\.train has label 1; give"):
        grown(Batch(torch.randn(9, 2), label=torch.ones(9).long()))
    with pytest.raises(ValueError, match="room for 2"):
        TreeEnsemble(1, 2).set_tree(0, Tree(*[np.zeros(3)] * 6))
    assert Trees.learns_labels({})
    assert not Trees.learns_labels({"kind": "isolation_forest"})
