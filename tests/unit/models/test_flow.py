"""The flow is a density in raw units: normalised, with exact Jacobians, and what it samples it also scores."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch.autograd.functional import jacobian

from hepad.core.batch import Batch, take_rows
from hepad.core.diagnostics import DensityChecks, GeneratedEntries, Remark
from hepad.core.errors import UserError
from hepad.models import Flow
from hepad.nn import COORDINATES, FLOWS

SMALL = {"transforms": 2, "hidden": [16]}


def flow(x, context=None, seed=0, weight=None, **settings):
    """A small flow in float64, prepared, its weights moved away from those of the identity."""
    torch.manual_seed(seed)
    size = 0 if context is None else context.shape[1]
    model = Flow((x.shape[1],), context_size=size, **SMALL | settings).double()
    model.prepare(Batch(x, context=context, weight=weight))
    for parameter in model.network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def train(model, batch, steps=300, lr=0.01, size=256):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr)
    for step in range(steps):
        rows = torch.randint(0, len(batch.x), (size,), generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        model.losses(take_rows(batch, rows)).mean().backward()
        optimizer.step()
    return model.eval()


def of(seed):
    return torch.Generator().manual_seed(seed)


def skewed_plane():
    """Two columns of very different size, one of which is bent."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2000, 2, generator=generator, dtype=torch.float64)
    return torch.stack([50 + 20 * x[:, 0], 0.1 * x[:, 1] + 0.03 * x[:, 0] ** 2], 1)


@pytest.fixture(scope="module")
def plane():
    return skewed_plane()


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_the_log_jacobian_is_that_of_automatic_differentiation_and_the_inverse_is_exact(kind, coordinates):
    x = torch.randn(500, 3).double() @ torch.tensor([[1.0, 0.5, 0], [0, 2, 0], [0, 0, 0.1]]).double()
    c = torch.randn(500, 1).double()
    model = flow(x, c, kind=kind, coordinates=coordinates)
    # At the outermost entries logit is clipped, where it has no slope.
    inside = torch.nonzero(((x > x.amin(0)) & (x < x.amax(0))).all(1)).flatten()[:10]
    batch = take_rows(Batch(x, context=c), inside)

    def latent(row, context):
        return model.latent(Batch(row.unsqueeze(0), context=context.unsqueeze(0)))[0]

    found = model.log_prob(batch).detach()
    for i in range(10):
        matrix = jacobian(lambda row, i=i: latent(row, batch.context[i]), batch.x[i])
        point = latent(batch.x[i], batch.context[i]).detach()
        expected = -0.5 * point.square().sum() - 1.5 * math.log(2 * math.pi) + torch.linalg.slogdet(matrix)[1]
        assert float(found[i]) == pytest.approx(float(expected), abs=1e-8)
    standard = model.context(batch.context)
    back = model.coordinates.inverse(model.network.inverse(model.latent(batch), standard))
    torch.testing.assert_close(back, batch.x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("average", [1, 3])
def test_sampling_then_scoring_gives_the_entropy(average):
    x = torch.randn(1000, 2).double()
    model = flow(x, coordinates="standard", kind="maf", average=average)
    for epoch in range(average if average > 1 else 0):
        model.validated(1.0 + epoch, epoch)
        for parameter in model.network.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    made = model.sample(8_000, of(0)).x.double()
    steps = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000 * 40 - 20
    with torch.no_grad():
        log_prob = model.log_prob(Batch(torch.cartesian_prod(steps, steps)))
        scores = model.anomaly_score(Batch(made))
    entropy = float(-(log_prob.exp() * log_prob).sum() * 0.04**2)
    assert float(scores.mean()) == pytest.approx(entropy, abs=4 * float(scores.std()) / math.sqrt(len(scores)))


@pytest.mark.parametrize("n", [1, 255, 256, 257])
def test_as_many_different_entries_are_drawn_as_are_asked_for(n):
    x, c = torch.randn(100, 2).double(), torch.randn(100, 1).double()
    for model, wanted in ((flow(x), n), (flow(x, c), torch.zeros(n, 1))):
        made = model.sample(wanted, of(0)).x
        assert made.shape == (n, 2)
        assert len(made.unique(dim=0)) == n


def test_a_conditional_density_is_that_of_a_gaussian_with_a_mean_by_its_context():
    c = 1000 + 500 * torch.rand(6000, 1)
    x = 0.1 * c + 5 * torch.randn(6000, 1)
    batch = Batch(x, context=c)
    torch.manual_seed(0)
    model = Flow((1,), context_size=1, kind="maf", coordinates="standard", **SMALL)
    model.prepare(batch)
    train(model, batch)
    # In the middle of a region, at a context that need not be among those trained on.
    held = 1050 + 400 * torch.rand(2000, 1, generator=of(1))
    at = Batch(0.1 * held + 5 * torch.randn(2000, 1, generator=of(2)), context=held)
    exact = torch.distributions.Normal(0.1 * held, 5.0).log_prob(at.x)[:, 0]
    with torch.no_grad():
        found = model.log_prob(at)
    assert float((exact - found).mean()) == pytest.approx(0, abs=0.02)
    assert float((exact - found).abs().mean()) < 0.1
    made = model.sample(held, of(3)).x
    assert float((made - 0.1 * held).mean()) == pytest.approx(0, abs=0.6)
    assert float((made - 0.1 * held).std()) == pytest.approx(5, rel=0.06)


@pytest.mark.parametrize("kind", FLOWS)
def test_every_weight_has_a_gradient_and_training_makes_the_loss_smaller(plane, kind):
    model = flow(plane.float(), kind=kind).float()
    batch = Batch(plane.float())
    before = float(model.losses(batch).mean().detach())
    model.train().losses(batch).mean().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name
    train(model, batch, steps=60)
    assert float(model.losses(batch).mean().detach()) < before - 0.2


def test_the_density_of_whole_numbers_is_their_probability():
    counts = torch.from_numpy(np.random.default_rng(0).poisson(3, (8000, 1)).astype("f4"))
    torch.manual_seed(0)
    model = Flow((1,), kind="maf", **SMALL)
    model.prepare(Batch(counts))
    train(model, Batch(counts), steps=400)
    k = torch.arange(8.0).unsqueeze(1)
    with torch.no_grad():
        found = model.log_prob(Batch(k)).exp()
    exact = torch.distributions.Poisson(3.0).log_prob(k[:, 0]).exp()
    assert (found - exact).abs().max() < 0.04
    made = model.sample(4000, of(0)).x
    assert torch.equal(made, made.round())
    assert abs(float(made.mean()) - 3) < 0.15


def test_typicality_is_the_distance_to_the_mean_of_validation():
    x = torch.randn(500, 2)
    model = flow(x.double(), score="typicality")
    model.validated(2.5, 0)
    parts = model.score_parts(Batch(x[:9].double()))
    torch.testing.assert_close(parts["typicality"], (parts["nll"] - 2.5).abs())
    assert not Flow.may_score_below_zero({"score": "typicality"})
    assert Flow.may_score_below_zero({})
    assert (parts["norm"] >= 0).all()


def test_the_mean_over_the_best_epochs_is_that_of_their_probabilities():
    x = torch.randn(400, 2).double()
    model = flow(x, average=2)
    batch, single = Batch(x[:20]), []
    model.trainer = SimpleNamespace(state=SimpleNamespace(fn=TrainerFn.FITTING), sanity_checking=False, precision=32)
    for epoch, loss in enumerate([0.3, 0.9, 0.1]):
        for parameter in model.network.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        model._validated.append(torch.tensor([loss * 10, 10.0]))
        # As of this epoch alone, in training.
        single.append(-model.train().losses(batch).detach())
        model.eval()
        type(model).current_epoch = epoch
        model.on_validation_epoch_end()
    del type(model).current_epoch
    expected = (single[0].exp() + single[2].exp()) / 2
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob(batch).exp(), expected)
    assert float(model.entropy) == pytest.approx(0.2)
    assert set(model.late_state()) == {"best_epochs.loss", "best_epochs.epoch", "best_epochs.weights", "entropy"}


def test_a_remark_names_constant_columns_and_whole_numbers_that_are_not_smeared():
    x = torch.stack([torch.full((400,), 2.0), torch.arange(400) % 5.0, torch.randn(400)], 1)
    said = flow(x.double(), dequantize=False).remarks()
    assert "column 0 never varied" in said[0]
    assert "column 1 holds values of a grid" in said[1]
    assert "model.dequantize=true" in said[1]
    assert ["column 0" in line for line in flow(x.double()).remarks()] == [True]
    assert flow(x[:, 2:].double()).remarks() == []
    # Another value than the constant is strange.
    model = flow(x.double())
    scores = model.anomaly_score(Batch(torch.tensor([[2.0, 1, 0], [9, 1, 0]]).double()))
    assert scores[1] > scores[0] + 5


def test_what_lies_outside_of_the_training_range_is_counted_and_said():
    x, c = torch.randn(400, 2).double(), torch.rand(400, 1).double()
    model = flow(x, c, coordinates="logit", kind="maf")
    far = Batch(
        torch.tensor([[0.0, 99.0], [0.0, 0.0], [0.0, 0.0]]).double(), context=torch.tensor([[0.5], [0.5], [7.0]])
    )
    found = list(model.diagnostics({"mc": Batch(x, context=c), "signal": far}, {}, "mc"))
    said = [each.text for each in found if isinstance(each, Remark)]
    assert "1 of 3 entries of signal lie outside of the training range in column 1" in said[0]
    # Of contexts a run says so, once for all models (`hepad.run.context_range`).
    assert len(said) == 1
    assert model.anomaly_score(far).isfinite().all()
    kinds = [type(each) for each in found if not isinstance(each, Remark)]
    assert kinds == [GeneratedEntries, DensityChecks]


def test_values_beyond_the_splines_are_remarked_on():
    x = torch.cat([1000 * torch.randn(30, 1), torch.randn(3000, 1)]).double()
    said = [
        d.text for d in flow(x, coordinates="standard").diagnostics({"mc": Batch(x)}, {}, "mc") if type(d) is Remark
    ]
    assert len(said) == 1
    assert "beyond ±5" in said[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "glow"}, "allowed: realnvp, maf, nsf"),
        ({"coordinates": "log"}, "allowed: standard, logit"),
        ({"score": "elbo"}, "allowed: nll, norm, typicality"),
        ({"average": 0}, "at least 1 epoch"),
        ({"transforms": 0}, "1 to 64 transformations"),
        ({"hidden": [100_000]}, "1 to 4096 units"),
    ],
)
def test_settings_that_no_flow_has_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Flow((2,), **settings)


def test_a_context_of_another_size_is_refused():
    model = flow(torch.randn(50, 2).double(), torch.randn(50, 1).double())
    for wrong in (5, torch.zeros(3, 2), torch.zeros(0, 1)):
        with pytest.raises(ValueError, match="conditioned on 1 observables"):
            model.sample(wrong, of(0))
    with pytest.raises(ValueError, match="the entries carry 0"):
        model.log_prob(Batch(torch.zeros(3, 2)))


def test_without_zuko_one_line_says_how_to_get_it(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "zuko"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(UserError, match=r'^model=flow needs zuko: pip install "hepad\[flows\]"$'):
        Flow((2,))
