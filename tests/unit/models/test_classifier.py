"""The classifier: labels, balance, weights, and the mean over the best epochs."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hepad.core.batch import Batch, take_rows
from hepad.models import Classifier


def two_classes(n=600, n_ones=200, seed=0, shift=1.0):
    generator = torch.Generator().manual_seed(seed)
    label = (torch.arange(n) < n_ones).long()
    x = torch.randn(n, 3, generator=generator) + shift * label.unsqueeze(1)
    return Batch(x, label=label)


def prepared(batch, seed=0, **settings):
    torch.manual_seed(seed)
    model = Classifier(batch.x.shape[1:], **{"hidden": [16], "average": 1} | settings)
    model.prepare(batch)
    model.log = lambda *args, **options: None
    return model


def train(model, batch, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        model.training_step(batch, 0).backward()
        optimizer.step()
    return model


def test_balanced_labels_weigh_the_same_and_one_on_average():
    batch = two_classes(n_ones=150)
    model = prepared(batch)
    of_entries = model.class_weight[batch.label]
    assert float(of_entries[batch.label == 0].sum()) == pytest.approx(float(of_entries[batch.label == 1].sum()))
    assert float(of_entries.mean()) == pytest.approx(1)
    assert prepared(batch, balanced=False).class_weight.tolist() == [1, 1]


def test_the_balance_counts_entries_by_their_weights():
    batch = two_classes()
    weight = torch.where(batch.label == 0, 0.5, 1.0) * torch.rand(600, generator=torch.Generator().manual_seed(1))
    factors = prepared(batch._replace(weight=weight)).class_weight[batch.label]
    total = [float((weight * factors)[batch.label == i].sum()) for i in (0, 1)]
    assert total[0] == pytest.approx(total[1], rel=1e-5)


def test_the_loss_is_the_weighted_cross_entropy_in_training_and_in_validation():
    batch = two_classes()._replace(weight=torch.rand(600, generator=torch.Generator().manual_seed(2)))
    model = prepared(batch)
    found = {}
    model.log = lambda name, value, **options: found.update({name: float(value.detach())})
    model.training_step(batch, 0)
    model.validation_step(batch, 0)
    logit = model.score_batch(batch)
    entropy = torch.where(
        batch.label == 1, -torch.nn.functional.logsigmoid(logit), -torch.nn.functional.logsigmoid(-logit)
    )
    counted = batch.weight * model.class_weight[batch.label]
    expected = float(((counted * entropy).sum() / batch.weight.sum()).detach())
    assert found["train/loss"] == pytest.approx(expected, rel=1e-5)
    assert found["val/loss"] == pytest.approx(expected, rel=1e-5)


def test_it_learns_what_a_logistic_regression_does():
    batch, held = two_classes(4000, 1000), two_classes(4000, 2000, seed=1)
    model = train(prepared(batch), batch)
    exact = LogisticRegression(class_weight="balanced").fit(batch.x.numpy(), batch.label.numpy())
    expected = torch.from_numpy(exact.decision_function(held.x.numpy()))
    found = model.anomaly_score(held).detach()
    assert torch.corrcoef(torch.stack([found.double(), expected]))[0, 1] > 0.98
    # Of balanced labels 0 is the border.
    right = ((found > 0).long() == held.label).float().mean()
    assert right > 0.78


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_the_probability_is_the_mean_of_those_of_the_best_epochs(score):
    batch = two_classes()
    model = prepared(batch, average=2, score=score)
    probabilities = []
    for epoch, loss in enumerate([0.3, 0.5, 0.2, 0.4]):
        train(model, batch, steps=3)
        probabilities.append(model.network(model.normalizer(batch.x)).sigmoid().detach())
        model.validated(loss, epoch)
    mean = (probabilities[0] + probabilities[2]) / 2
    expected = mean if score == "probability" else torch.log(mean / (1 - mean))
    torch.testing.assert_close(model.anomaly_score(batch).detach(), expected, rtol=1e-4, atol=1e-5)
    assert set(model.late_state()) == {"best_epochs.loss", "best_epochs.epoch", "best_epochs.weights"}


def test_a_logit_tells_apart_what_a_probability_does_not():
    batch = two_classes()
    model = prepared(batch)
    for parameter in model.network.parameters():
        parameter.data *= 30
    assert model.anomaly_score(batch).unique().numel() > 590
    assert model.anomaly_score(batch).isfinite().all()
    model.score = "probability"
    found = model.anomaly_score(batch)
    assert ((found >= 0) & (found <= 1)).all()
    assert not Classifier.may_score_below_zero({"score": "probability"})
    assert Classifier.may_score_below_zero({})


@pytest.mark.parametrize("shape", [(5,), (4, 5), (1, 18, 14)], ids=["vectors", "events", "images"])
def test_every_structure_has_a_network_and_every_weight_a_gradient(shape):
    x = torch.randn(32, *shape)
    mask = (torch.arange(4) < 3).expand(32, 4) if len(shape) == 2 else None
    batch = Batch(x, mask, label=torch.arange(32) % 2)
    torch.manual_seed(0)
    model = Classifier(shape)
    model.prepare(batch)
    model.losses(batch).mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())
    if mask is not None:
        # Neither order nor what stands in an empty slot matters.
        order = torch.tensor([2, 0, 1, 3])
        noisy = torch.where(mask.unsqueeze(-1), x, 9.0)[:, order]
        torch.testing.assert_close(
            model.anomaly_score(Batch(noisy, mask[:, order])), model.anomaly_score(batch), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (None, "the entries carry none"),
        (torch.zeros(20).long(), "data.train has label 0; give"),
        (torch.ones(20).long(), "data.train has label 1; give"),
        (torch.arange(20) % 3, "data.train has labels 0, 1, 2; give"),
    ],
)
def test_labels_other_than_two_are_refused_in_one_line(label, said):
    with pytest.raises(ValueError, match=said) as error:
        prepared(Batch(torch.randn(20, 3), label=label))
    assert "\n" not in str(error.value)


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="allowed: logit, probability"):
        Classifier((3,), score="nll")


def test_of_one_batch_a_label_may_be_missing():
    batch = two_classes()
    model = prepared(batch)
    losses = model.losses(take_rows(batch, slice(0, 10)))
    assert losses.isfinite().all()
    assert not math.isnan(float(losses.sum().detach()))
