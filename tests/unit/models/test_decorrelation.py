"""The penalty of a score that follows an observable: in every model's steps, and what it does to a score."""

import copy

import pytest
import torch
from tests.every_model import CLASSES, STRUCTURE, composed
from tests.gpu.cases import Entries
from tests.stepping import fit

from hepad.checks.combinations import validate
from hepad.core.batch import take_rows
from hepad.core.errors import UserError
from hepad.data import Batch
from hepad.losses import unbiased_distance_correlation
from hepad.models import AnomalyModel, Classifier, DeepSVDD
from hepad.models.decorrelation import Decorrelation


def mass_of(batch):
    """An observable that goes with what is in an entry."""
    return 100 + 10 * batch.x.flatten(1).float().sum(1).abs().log1p() + torch.arange(len(batch.x)) % 3


def a_pair_of_each():
    """Every model once, on the first data that it takes."""
    for model, found in CLASSES.items():
        yield model, next(data for data, structure in STRUCTURE.items() if structure in found.structures)


PENALISED = [pair for pair in a_pair_of_each() if CLASSES[pair[0]].takes_penalty]
OTHERS = [pair for pair in a_pair_of_each() if not CLASSES[pair[0]].takes_penalty]


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return Entries(tmp_path_factory.mktemp("entries"))


def logged_losses(model, batch):
    """The losses that one step of each kind logs; what a step changes, as batch norms do, is put back."""
    found, before = {}, copy.deepcopy(model.state_dict())
    model.log = lambda name, value, *_, **__: found.update({name: float(value.detach())})
    if not isinstance(model, DeepSVDD):
        model.eval()
        model.validation_step(batch, 0)
    model.train()
    torch.manual_seed(0)
    loss = model.training_step(batch, 0)
    loss.backward()
    model.load_state_dict(before)
    return found


@pytest.mark.parametrize("pair", PENALISED, ids="-".join)
def test_steps_of_every_model_add_it(entries, pair):
    model, data = entries.build(entries.config(*pair))
    batch = take_rows(data.train_entries.batch, slice(0, 12))
    batch = batch._replace(protected=mass_of(batch))
    alone = logged_losses(model, batch)
    model.decorrelation = Decorrelation("mass", 7.0)
    model.zero_grad()
    penalised = logged_losses(model, batch)
    for phase in ("train", "val"):
        if f"{phase}/loss" in penalised:
            added = penalised[f"{phase}/loss"] - alone[f"{phase}/loss"]
            assert added == pytest.approx(7.0 * penalised[f"{phase}/distance_correlation2"], rel=1e-3, abs=1e-4)
    assert penalised["train/distance_correlation2"] != 0
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())
    assert model.was_penalised


@pytest.mark.parametrize("pair", OTHERS, ids="-".join)
def test_what_takes_no_penalty_says_what_works(pair):
    words = (f"model={pair[0]}", f"data={pair[1]}", "decorrelate.variable=pt", "paths.run=my_run")
    if CLASSES[pair[0]].learns_labels(composed(*words).model):
        words = (*words, "data.train=[{sample: zero_bias, label: 0}, {sample: ttbar, label: 1}]")
    with pytest.raises(UserError, match=r"decorrelate.weight=10: no penalty .* decorrelate.planing=true"):
        validate(composed(*words))
    validate(composed(*words, "decorrelate.weight=0", "decorrelate.planing=true"))


def test_signal_may_follow_the_observable():
    mass = torch.linspace(0, 1, 40)
    label = (torch.arange(40) % 2).long()
    scores = torch.where(label == 1, mass, torch.randn(40, generator=torch.Generator().manual_seed(0)))
    found = Decorrelation("mass", 1.0).correlation(scores, Batch(mass.unsqueeze(1), protected=mass, label=label))
    expected = unbiased_distance_correlation(scores[label == 0], mass[label == 0])
    torch.testing.assert_close(found, expected)


class Regression(AnomalyModel):
    """A line through x: without a penalty its score is the sum of what follows the mass and what does not."""

    structures = frozenset({"vector"})

    def __init__(self, entry_shape, adds_penalty=True):
        super().__init__(entry_shape)
        self.line = torch.nn.Linear(entry_shape[0], 1, bias=False)
        self.adds_penalty = adds_penalty

    def score_batch(self, batch):
        return self.line(self.normalizer(batch.x)).squeeze(1)

    def losses(self, batch):
        return (self.score_batch(batch) - self.normalizer(batch.x).sum(1)).square()

    def training_step(self, batch, batch_idx):
        return super().training_step(batch, batch_idx) if self.adds_penalty else self.losses(batch).mean()


def trained(tmp_path, weight, monkeypatch, **settings):
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(1))
    batch = Batch(x, protected=x[:, 0].exp())
    monkeypatch.setattr("tests.stepping.jets", lambda *_, **__: batch)
    torch.manual_seed(0)
    model = Regression((2,), **settings)
    model.prepare(batch)
    model.optimizer_factory = lambda parameters: torch.optim.Adam(parameters, lr=0.05)
    model.decorrelation = Decorrelation("mass", weight) if weight else None
    fit(tmp_path, model, None, max_epochs=20)
    return float(unbiased_distance_correlation(model.anomaly_score(batch), batch.protected).detach())


def test_a_score_stops_following(tmp_path, monkeypatch):
    assert trained(tmp_path, 0, monkeypatch) > 0.3
    assert trained(tmp_path, 100.0, monkeypatch) < 0.01


def test_a_step_of_ones_own_that_adds_none_is_named(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"Regression adds no penalty; end it with `return self.train_by"):
        trained(tmp_path, 1.0, monkeypatch, adds_penalty=False)


def with_mass():
    x = torch.randn(80, 5, generator=torch.Generator().manual_seed(1))
    return Batch(x, protected=x[:, 0].exp())


def test_validation_of_a_sphere_knows_the_penalty(tmp_path, monkeypatch):
    """Its objective is of all validation entries at once, so its step leaves the penalty to the end of the epoch."""
    monkeypatch.setattr("tests.stepping.jets", lambda *_, **__: with_mass())
    histories = []
    for weight in (0.0, 50.0):
        torch.manual_seed(0)
        model = DeepSVDD((5,), hidden=[8], latent=4)
        model.prepare(with_mass())
        model.optimizer_factory = lambda parameters: torch.optim.SGD(parameters, lr=1e-12)
        model.decorrelation = Decorrelation("mass", weight)
        histories.append(fit(tmp_path, model, None, max_epochs=1)[1][0])
    plain, penalised = histories
    added = float(penalised["val/loss"]) - float(plain["val/loss"])
    assert added == pytest.approx(50 * float(penalised["val/distance_correlation2"]), rel=1e-3)
    assert abs(added) > 0.1


def test_the_penalty_of_an_averaged_model_is_of_its_current_epoch():
    torch.manual_seed(0)
    model = Classifier((5,), hidden=[8], average=2)
    batch = with_mass()
    model.prepare(batch._replace(label=(batch.x[:, 1] > 0).long()))
    model.validated(0.5, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    model.eval()
    alone = model.scores_in_training(batch)
    assert not torch.allclose(model.score_batch(batch), alone)
    model.best_epochs = None
    torch.testing.assert_close(model.score_batch(batch), alone)
