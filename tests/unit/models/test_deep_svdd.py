"""Deep SVDD: no way to one point but training, a radius with ν outside, and a watch on collapse."""

import pytest
import torch
from torch import nn

from hepad.core.batch import Batch
from hepad.models import DeepSVDD

SHAPES = {"vectors": (5,), "events": (4, 5), "images": (1, 18, 14)}


def entries(shape, n=300, seed=0):
    x = torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))
    return Batch(x, (torch.arange(4) < 3).expand(n, 4) if len(shape) == 2 else None)


def prepared(shape=(5,), batch=None, **settings):
    torch.manual_seed(0)
    model = DeepSVDD(shape, **{"latent": 4} | settings)
    model.prepare(entries(shape) if batch is None else batch)
    return model


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_no_layer_has_a_bias_and_no_weights_map_everything_to_the_centre(shape):
    model = prepared(shape)
    assert not [name for name, _ in model.named_parameters() if "bias" in name]
    assert any(isinstance(part, nn.Linear) for part in model.modules())
    # What stands for no information stays at 0 whatever the weights are, and the centre is not there.
    nothing = torch.zeros(1, *shape)
    assert torch.equal(model.network(nothing), torch.zeros(1, 4))
    assert (model.center.abs() >= 0.1 - 1e-7).all()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_the_centre_is_the_mean_of_the_first_pass_by_weight(shape):
    batch = entries(shape)
    model = prepared(shape, batch)
    with torch.no_grad():
        points = model.network(model.normalizer(batch.x, batch.mask), batch.mask)
    mean = points.mean(0)
    far = mean.abs() > 0.1
    torch.testing.assert_close(model.center[far], mean[far], rtol=1e-4, atol=1e-5)
    assert (model.center[~far].abs() == 0.1).all()
    assert (torch.sign(model.center) == torch.where(mean < 0, -1.0, 1.0)).all()
    assert float(model.first_spread) == pytest.approx(float((points - model.center).norm(dim=1).std()), rel=1e-4)
    repeated = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
    weighted = prepared(shape, batch._replace(weight=repeated.float()))
    rows = torch.arange(300).repeat_interleave(repeated)
    expected = prepared(shape, Batch(batch.x[rows], None if batch.mask is None else batch.mask[rows]))
    torch.testing.assert_close(weighted.center, expected.center, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["tanh"])
def test_a_bounded_activation_is_refused(activation):
    with pytest.raises(ValueError, match=r"is bounded: .* choose relu"):
        DeepSVDD((5,), activation=activation)
    with pytest.raises(ValueError, match="allowed: hard, soft"):
        DeepSVDD((5,), objective="medium")


def test_the_soft_objective_is_smallest_at_its_radius_and_leaves_nu_outside():
    model = prepared(objective="soft", nu=0.2, warm_up=0)
    distances = torch.rand(1000, generator=torch.Generator().manual_seed(0)) ** 2
    loss = model.validated(distances, torch.ones(1000))
    assert float((distances > model.radius2).float().mean()) == pytest.approx(0.2, abs=0.002)
    best, found = float(model.radius2), []
    for radius2 in (0.9 * best, best, 1.1 * best):
        model.radius2.fill_(radius2)
        found.append(float(model.soft_objective(distances).mean()))
    assert found[1] == min(found) == pytest.approx(float(loss))
    batch = entries((5,), 9)
    model.radius2.fill_(best)
    torch.testing.assert_close(model.anomaly_score(batch), model._distances(batch) - best)
    torch.testing.assert_close(model.losses(batch), model.soft_objective(model._distances(batch)))
    # In its first epochs it trains as the hard one.
    early = prepared(objective="soft", warm_up=1)
    torch.testing.assert_close(early.losses(batch), early._distances(batch))
    assert DeepSVDD.may_score_below_zero({"objective": "soft"})
    assert not DeepSVDD.may_score_below_zero({})


def test_training_brings_background_near_and_leaves_others_out():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 5, generator=generator) * torch.tensor([1, 1, 1, 0.05, 0.05])
    model = prepared(batch=Batch(x), hidden=[32], normalizer="none")
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    before = float(model.losses(Batch(x)).mean().detach())
    for _ in range(150):
        optimizer.zero_grad()
        model.losses(Batch(x)).mean().backward()
        optimizer.step()
    assert float(model.losses(Batch(x)).mean().detach()) < 0.5 * before
    odd = x.clone()
    odd[:, 3:] = 3 * torch.randn(2000, 2, generator=generator)
    usual, strange = (model.anomaly_score(Batch(each)).detach() for each in (x, odd))
    assert strange.median() > usual.quantile(0.9)


def test_a_collapse_is_watched_and_said():
    model = prepared()
    assert model.remarks() == []
    for parameter in model.parameters():
        parameter.data *= 1e-3
    model.validated(model._distances(entries((5,))).detach(), torch.ones(300))
    assert float(model.spread) < 1e-3
    assert "collapse: " in model.remarks()[0]
    # It is in the state dict, so that a run that is evaluated again says so too.
    other = DeepSVDD((5,), latent=4)
    other.load_state_dict(model.state_dict())
    assert other.remarks() == model.remarks()
