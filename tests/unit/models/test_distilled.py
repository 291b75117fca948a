"""The student: its networks, its units, its weights; it needs no teacher to score."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.diagnostics import TeacherAndStudent
from hepad.models import Distilled

MSE = {"_target_": "hepad.losses.MSE"}
SHAPES = {"jets": [17], "events": [8, 17], "images": [1, 18, 14]}


def entries(kind: str, n: int = 64, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *SHAPES[kind], generator=generator) * 30 + 5
    mask = None
    if kind == "events":
        mask = torch.arange(8) < torch.randint(0, 9, (n, 1), generator=generator)
        x = x * mask.unsqueeze(-1)
    return Batch(x, mask, target=x.flatten(1).sum(dim=1).abs().clamp(min=0.1).log() + 50)


def build(kind: str, **settings) -> Distilled:
    torch.manual_seed(1)
    model = Distilled(SHAPES[kind], settings.pop("loss", MSE), **settings)
    model.prepare(entries(kind, 500))
    model.log = lambda *_, **__: None
    return model


@pytest.mark.parametrize(
    ("kind", "settings", "parameters"),
    [
        ("events", {"phi": [16, 8], "rho": [4]}, 465),
        ("images", {"network": "dense"}, 252 * 16 + 16 + 17),
    ],
)
def test_the_published_networks(kind, settings, parameters):
    model = build(kind, **settings)
    assert sum(weight.numel() for weight in model.parameters()) == parameters


def test_cicadas_second_student():
    weights = [tuple(weight.shape) for weight in build("images", network="conv").parameters() if weight.ndim > 1]
    assert weights == [(4, 1, 2, 2), (16, 4 * 9 * 7), (1, 16)]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_score_depends_on_the_entry_alone(kind):
    model, batch = build(kind), entries(kind)
    plain = batch._replace(target=None)
    with torch.no_grad():
        together = model.anomaly_score(batch)
        torch.testing.assert_close(model.anomaly_score(plain), together, rtol=0, atol=0)
        order = torch.randperm(64)
        shuffled = Batch(batch.x[order], None if batch.mask is None else batch.mask[order])
        torch.testing.assert_close(model.anomaly_score(shuffled), together[order])


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("normalizer", ["standard", "log", "layer"])
def test_an_events_score_does_not_see_the_order_of_its_jets(pool, normalizer):
    model, batch = build("events", pool=pool, normalizer=normalizer), entries("events")
    order = torch.rand(64, 8).argsort(dim=1)
    shuffled = Batch(batch.x.gather(1, order.unsqueeze(-1).expand_as(batch.x)), batch.mask.gather(1, order))
    with torch.no_grad():
        torch.testing.assert_close(model.anomaly_score(shuffled), model.anomaly_score(batch), rtol=1e-6, atol=1e-5)


def test_a_score_is_in_units_of_the_target():
    model = build("jets")
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    target = entries("jets", 500).target
    with torch.no_grad():
        torch.testing.assert_close(model.anomaly_score(entries("jets")), target.mean().expand(64))
        losses = model.losses(entries("jets", 500))
    assert losses.mean().item() == pytest.approx(1, rel=1e-4)


def test_losses_are_multiplied_with_how_important_entries_are():
    model, batch = build("jets"), entries("jets")
    importance = torch.rand(64) * 3
    with torch.no_grad():
        torch.testing.assert_close(
            model.losses(batch._replace(importance=importance)), model.losses(batch) * importance
        )


def test_it_learns_its_target():
    model, batch = build("jets"), entries("jets", 500)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        model.training_step(batch, 0).backward()
        optimizer.step()
    assert model.losses(batch).mean() < 0.3


def test_without_a_target_it_cannot_train():
    with pytest.raises(ValueError, match="no target"):
        build("jets").training_step(entries("jets")._replace(target=None), 0)


def test_it_shows_itself_beside_its_teacher_only_where_there_is_one():
    model, batch = build("jets"), entries("jets")
    scores = {"a": torch.zeros(64), "b": torch.zeros(64)}
    (shown,) = model.diagnostics({"a": batch, "b": batch._replace(target=None)}, scores, "a")
    assert isinstance(shown, TeacherAndStudent)
    assert list(shown.teacher) == list(shown.student) == ["a"]
    assert not list(model.diagnostics({"a": batch._replace(target=None)}, scores, "a"))


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("jets", {"network": "deepsets"}, "allowed: auto, dense"),
        ("events", {"network": "conv"}, "allowed: auto, deepsets, dense"),
        ("images", {"network": "transformer"}, "deepsets, dense, conv"),
        ("images", {"filters": 0}, "filters"),
        ("events", {"pool": "sum"}, "max, mean"),
        ("images", {"loss": {"_target_": "hepad.losses.NCC"}}, "use mse, mae, huber or log_cosh"),
    ],
)
def test_wrong_settings_are_named(kind, settings, said):
    with pytest.raises(ValueError, match=said):
        build(kind, **settings)
