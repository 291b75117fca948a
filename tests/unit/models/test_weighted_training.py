"""Event weights in training: a loss counts an entry as often as it weighs, and weights of 1 change no bit."""

import pytest
import torch
from torch import nn

from hepad.core.batch import Batch, drawn_by_weight
from hepad.losses.base import weighted_mean
from hepad.models import (
    GAN,
    BiGAN,
    DenoisingAutoencoder,
    DenseAutoencoder,
    Distilled,
    SparseAutoencoder,
    TimeDistributedAutoencoder,
    VariationalAutoencoder,
)
from hepad.nn import InputNormalizer

MSE = {"_target_": "hepad.losses.MSE"}
EVENTS = (3, 4)
MODELS = {
    "dense_ae": lambda: DenseAutoencoder((12,), MSE, dropout=0.0),
    "td_ae": lambda: TimeDistributedAutoencoder(EVENTS, MSE, latent=2),
    "vae": lambda: VariationalAutoencoder(EVENTS, MSE),
    "denoising": lambda: DenoisingAutoencoder(EVENTS, MSE, network="time_distributed", latent=2),
    "sparse_l1": lambda: SparseAutoencoder(EVENTS, MSE, network="time_distributed", latent=5, sparsity_weight=1.0),
    "sparse_kl": lambda: SparseAutoencoder((12,), MSE, sparsity="kl", latent=5, sparsity_weight=1.0),
    "distilled": lambda: Distilled(EVENTS, MSE),
}


@pytest.fixture
def entries():
    """24 events with whole weights, and the same events repeated as often."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(24, *EVENTS, generator=generator, dtype=torch.float64)
    mask = torch.rand(24, 3, generator=generator) < 0.7
    mask[:, 0] = True
    x = torch.where(mask.unsqueeze(-1), x, 0.0)
    weight = torch.randint(0, 5, (24,), generator=generator).double()
    batch = Batch(x, mask, target=x.sum((1, 2)), weight=weight, importance=torch.rand(24, generator=generator).double())
    rows = torch.repeat_interleave(torch.arange(24), weight.long())
    repeated = Batch(*(None if field is None else field[rows] for field in batch))._replace(weight=None)
    return batch, repeated


def shaped(model, batch):
    if len(model.entry_shape) == 2:
        return batch
    return batch._replace(x=batch.x.flatten(1), mask=None)


@pytest.fixture
def quiet(monkeypatch):
    """Take all random draws away, which would differ between entries and their copies."""
    for module in ("vae", "denoising_ae"):
        monkeypatch.setattr(f"hepad.models.{module}.draw_for_batch", lambda draw, shape, device: torch.zeros(shape))
    monkeypatch.setattr(torch, "randn", lambda *shape, generator=None: torch.zeros(*shape))


def logged(model, batch):
    found = {}
    model.log = lambda name, value, **options: found.update(
        {name: (float(value.detach()), float(options["batch_size"]))}
    )
    model.training_step(batch, 0)
    model.validation_step(batch, 0)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_losses_are_those_of_repeated_entries(entries, quiet, name):
    torch.manual_seed(1)
    model = MODELS[name]().double().eval()
    weighted, repeated = (shaped(model, batch) for batch in entries)
    model.prepare(weighted)
    found = logged(model, weighted)
    expected = logged(model, repeated)
    assert found.keys() == expected.keys() >= {"train/loss", "val/loss", "val/mae"}
    for key, (value, count) in found.items():
        assert value == pytest.approx(expected[key][0], rel=1e-12), key
        assert count == len(repeated.x)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_fitted_is_that_of_repeated_entries(entries, name):
    torch.manual_seed(1)
    of_weighted, of_repeated = MODELS[name]().double(), MODELS[name]().double()
    of_weighted.prepare(shaped(of_weighted, entries[0]))
    of_repeated.prepare(shaped(of_repeated, entries[1]))
    for (key, found), expected in zip(of_weighted.named_buffers(), of_repeated.buffers(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_weights_of_one_change_no_bit(entries, name):
    batch = Batch(
        *(field.float() if field is not None and field.is_floating_point() else field for field in entries[0])
    )
    found = []
    for weight in (None, torch.ones(24)):
        torch.manual_seed(1)
        model = MODELS[name]()
        given = shaped(model, batch)._replace(weight=weight)
        model.prepare(given._replace(weight=None))
        model.log = lambda *args, **options: None
        loss = model.training_step(given, 0)
        loss.backward()
        found.append([loss, *(p.grad for p in model.parameters() if p.grad is not None)])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["standard", "log"])
@pytest.mark.parametrize("shape", [(4,), EVENTS, (2, 3, 5)], ids=["vector", "events", "image"])
def test_the_normaliser_counts_by_weight(kind, shape):
    x, weight = torch.randn(30, *shape).double(), torch.randint(0, 4, (30,))
    found = InputNormalizer(kind, shape).double().fit(x, weight=weight)
    expected = InputNormalizer(kind, shape).double().fit(x.repeat_interleave(weight, dim=0))
    torch.testing.assert_close(found.center, expected.center, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.scale, expected.scale, rtol=1e-12, atol=1e-12)


def test_weighted_quartiles_are_those_of_repeated_entries():
    x, weight = torch.randn(4001, 2).double(), torch.randint(0, 4, (4001,))
    found = InputNormalizer("robust", (2,)).double().fit(x, weight=weight)
    expected = InputNormalizer("robust", (2,)).double().fit(x.repeat_interleave(weight, dim=0))
    torch.testing.assert_close(found.center, expected.center, rtol=0, atol=2e-3)
    torch.testing.assert_close(found.scale, expected.scale, rtol=2e-3, atol=0)


def test_the_weighted_mean_of_nothing_is_zero_with_a_gradient():
    values = torch.ones(3, requires_grad=True)
    weighted_mean(values, torch.zeros(3)).backward()
    assert values.grad.tolist() == [0, 0, 0]


def test_entries_are_drawn_as_often_as_they_weigh():
    x = torch.arange(10.0).unsqueeze(1)
    weight = torch.tensor([0, 0, 3, 0, 2, 0, 0, 0, 5, 0.0])
    drawn = drawn_by_weight(Batch(x, weight=weight))
    assert drawn.weight is None
    assert drawn.x.flatten().tolist() == [2, 2, 2, 4, 4, 8, 8, 8, 8, 8]
    torch.testing.assert_close(drawn_by_weight(Batch(x, weight=torch.full((10,), 0.1))).x, x)
    torch.testing.assert_close(drawn_by_weight(Batch(x, weight=torch.zeros(10))).x, x)
    many = torch.rand(1000)
    counts = drawn_by_weight(Batch(torch.arange(1000.0), weight=many)).x.long().bincount(minlength=1000)
    assert (counts - 1000 * many / many.sum()).abs().max() < 1


@pytest.mark.parametrize("kind", [GAN, BiGAN])
def test_a_game_sees_entries_as_often_as_they_weigh(entries, kind):
    torch.manual_seed(1)
    model = kind(EVENTS, {"_target_": "hepad.losses.NonSaturating"}, latent=2, generator=[8], discriminator=[8])
    model.prepare(entries[0]._replace(x=entries[0].x.float(), weight=None))
    seen = []
    model.optimizers = lambda: [None, None]
    model.log = lambda *args, **options: None
    model._discriminator_step = lambda x, optimizer: seen.append(x)
    model._maker_step = lambda x, optimizer: seen.append(x)
    heavy = entries[0]._replace(x=entries[0].x.float(), weight=nn.functional.one_hot(torch.tensor(7), 24).float())
    model.training_step(heavy, 0)
    model.validation_step(heavy, 0)
    expected = model.represent(heavy)[7].expand(24, -1, -1)
    for x in (*seen, model._validated[0]):
        assert torch.equal(x, expected)
    assert len(seen) == 2
