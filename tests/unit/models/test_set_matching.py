"""Flow matching of sets: no score sees the order of objects, and the density is that of events over all numbers."""

import math

import pytest
import torch
from tests.unit.models.test_flow import of
from tests.unit.models.test_flow_matching import fit
from tests.unit.models.test_set_flow import chains

from hepad.core.batch import Batch
from hepad.core.diagnostics import DensityChecks
from hepad.models import FlowMatching

SMALL = {"hidden": [16, 16], "latent": 4, "coordinates": "standard"}


def sets_of(x, mask, weight=None, **settings):
    torch.manual_seed(0)
    model = FlowMatching(x.shape[1:], **SMALL | settings)
    model.prepare(Batch(x, mask, weight=weight))
    return model


@pytest.fixture(scope="module")
def trained():
    batch = chains()
    return fit(sets_of(batch.x, batch.mask, hidden=[32, 32]), batch, steps=300, lr=0.005)


def test_what_no_event_is_like_scores_higher(trained):
    held = chains(200, seed=1)
    # An η that its neighbours do not have.
    odd = held.x.clone()
    odd[:, 1, 1] += 2
    two = held.mask[:, 1]
    with torch.no_grad():
        usual, strange = (trained.score_parts(held._replace(x=x)) for x in (held.x, odd))
    for name in ("velocity", "nll", "norm"):
        assert (strange[name][two] > usual[name][two]).float().mean() > 0.9, name


def test_draws_look_like_events(trained):
    held, made = chains(1500, seed=1), trained.sample(1500, of(0))
    assert (made.x[~made.mask] == 0).all()
    assert ((made.x[:, :-1, 0] >= made.x[:, 1:, 0]) | ~made.mask[:, 1:]).all()
    share = torch.bincount(made.mask.sum(1), minlength=4) / 1500
    torch.testing.assert_close(share, trained.log_share.exp(), rtol=0, atol=0.05)
    for slot in range(2):
        real, found = held.x[held.mask[:, slot], slot], made.x[made.mask[:, slot], slot]
        torch.testing.assert_close(found.mean(0), real.mean(0), rtol=0, atol=0.2)
    # The second pT is about half of the first.
    both = made.mask[:, 1]
    assert float((made.x[both, 0, 0] - made.x[both, 1, 0]).mean()) == pytest.approx(0.7, abs=0.2)


@pytest.mark.parametrize("context_size", [0, 1])
def test_no_score_sees_the_order_of_the_objects(context_size):
    batch = chains(40)
    c = torch.randn(40, context_size) if context_size else None
    model = FlowMatching((3, 2), context_size, **SMALL).eval()
    model.prepare(batch._replace(context=c))
    order = torch.tensor([2, 0, 1])
    turned = Batch(batch.x[:, order], batch.mask[:, order], context=c)
    with torch.no_grad():
        left, right = (
            model.double().score_parts(each._replace(x=each.x.double(), context=c)) for each in (batch, turned)
        )
    for name, scores in left.items():
        torch.testing.assert_close(right[name], scores, rtol=1e-10, atol=1e-10)
        assert scores[batch.mask.any(1)].std() > 0


@pytest.mark.parametrize("objective", ["velocity", "noise"])
def test_the_density_of_ordered_events_integrates_to_one(objective):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(600, 2, 1, generator=generator, dtype=torch.float64).sort(dim=1, descending=True).values
    mask = torch.arange(2) < torch.randint(0, 3, (600, 1), generator=generator)
    x = torch.where(mask.unsqueeze(-1), x, 0.0)
    model = sets_of(x, mask, objective=objective, n_steps=16).double().eval()
    steps = torch.linspace(-8, 8, 41).double()
    pairs = torch.cartesian_prod(steps, steps).unsqueeze(-1)
    there = torch.ones(len(pairs), 2, dtype=torch.bool)
    with torch.no_grad():
        two = model.log_prob(Batch(pairs, there)).exp()
        singles = torch.stack([steps, torch.zeros_like(steps)], 1).unsqueeze(-1)
        one = model.log_prob(Batch(singles, torch.tensor([True, False]).expand(41, 2))).exp()
        none = model.log_prob(Batch(torch.zeros(1, 2, 1).double(), torch.zeros(1, 2, dtype=torch.bool))).exp()
    # In falling order, which is half of the plane.
    parts = [float(none[0]), float(one.sum()) * 0.4, float(two.sum()) * 0.4**2 / 2]
    torch.testing.assert_close(torch.tensor(parts), model.log_share.exp().float(), rtol=0, atol=1e-3)
    assert sum(parts) == pytest.approx(1, abs=1e-3)


def test_an_event_without_objects_has_a_score_and_weights_count_numbers_of_objects():
    batch = chains()
    weight = torch.where(batch.mask.sum(1) == 2, 3.0, 1.0)
    model = sets_of(batch.x, batch.mask, weight).eval()
    counts = torch.bincount(batch.mask.sum(1), weight.double()) + 0.5
    torch.testing.assert_close(model.log_share.exp().double(), counts / counts.sum(), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        parts = model.score_parts(Batch(torch.zeros(2, 3, 2), torch.zeros(2, 3, dtype=torch.bool)))
    assert (parts["velocity"] == 0).all()
    torch.testing.assert_close(parts["nll"], -model.log_share[:1].expand(2))


def test_large_sets_score_by_the_error_and_small_ones_show_their_density():
    x, mask = torch.randn(60, 6, 2), torch.ones(60, 6, dtype=torch.bool)
    assert sets_of(x, mask).score == "velocity"
    batch = chains(200)
    model = sets_of(batch.x, batch.mask, n_steps=2)
    assert model.score == "nll"
    found = list(model.diagnostics({"mc": batch}, {}, "mc"))
    assert isinstance(found[-1], DensityChecks)
    assert math.isfinite(float(found[-1].log_prob.sum()))
