"""The flow of sets: the density of objects in their order, each given those before it."""

import math

import pytest
import torch
from tests.unit.models.test_flow import of, train

from hepad.core.batch import Batch, take_rows
from hepad.core.diagnostics import DensityChecks
from hepad.models import Flow

SMALL = {"transforms": 2, "hidden": [16], "kind": "maf", "coordinates": "standard"}


def chains(n=3000, seed=0):
    """Sets of 0 to 3 objects (pT, η): each pT is about half of the one before, η is near that one's."""
    generator = torch.Generator().manual_seed(seed)
    number = torch.multinomial(torch.tensor([0.1, 0.4, 0.3, 0.2]), n, replacement=True, generator=generator)
    noise = torch.randn(n, 3, 2, generator=generator)
    log_pt, eta = [4 + 0.3 * noise[:, 0, 0]], [noise[:, 0, 1]]
    for i in (1, 2):
        log_pt.append(log_pt[-1] - 0.7 + 0.1 * noise[:, i, 0])
        eta.append(eta[-1] + 0.2 * noise[:, i, 1])
    x = torch.stack([torch.stack(log_pt, 1), torch.stack(eta, 1)], 2)
    mask = torch.arange(3) < number.unsqueeze(1)
    return Batch(torch.where(mask.unsqueeze(-1), x, 0.0), mask)


def exact_log_prob(batch):
    """ln p of such sets."""
    normal = torch.distributions.Normal
    x, n = batch.x.double(), batch.mask.sum(1)
    steps = [normal(4.0, 0.3).log_prob(x[:, 0, 0]) + normal(0.0, 1.0).log_prob(x[:, 0, 1])]
    for i in (1, 2):
        steps.append(
            normal(x[:, i - 1, 0] - 0.7, 0.1).log_prob(x[:, i, 0]) + normal(x[:, i - 1, 1], 0.2).log_prob(x[:, i, 1])
        )
    each = torch.where(batch.mask, torch.stack(steps, 1), 0.0)
    return torch.tensor([0.1, 0.4, 0.3, 0.2]).double().log()[n] + each.sum(1)


@pytest.fixture(scope="module")
def trained():
    batch = chains()
    torch.manual_seed(0)
    model = Flow((3, 2), **SMALL)
    model.prepare(batch)
    return train(model, batch, steps=400, lr=0.01)


def test_the_density_is_that_of_the_chain(trained):
    held = chains(2000, seed=1)
    exact = exact_log_prob(held)
    with torch.no_grad():
        found = trained.log_prob(held)
    # In nats of a whole event, of which the first two objects tell all of the third.
    assert float((exact - found).mean()) == pytest.approx(0, abs=0.25)
    assert torch.corrcoef(torch.stack([exact, found.double()]))[0, 1] > 0.9
    # An η that its neighbours do not have is strange.
    odd = held.x.clone()
    odd[:, 1, 1] += 2
    two = held.mask[:, 1]
    with torch.no_grad():
        strange = trained.log_prob(held._replace(x=odd))
    assert (strange[two] < found[two] - 5).float().mean() > 0.9


def test_the_numbers_of_objects_are_those_of_training_by_weight():
    batch = chains()
    weight = torch.where(batch.mask.sum(1) == 2, 3.0, 1.0)
    model = Flow((3, 2), **SMALL)
    model.prepare(batch._replace(weight=weight))
    counts = torch.bincount(batch.mask.sum(1), weight.double()) + 0.5
    torch.testing.assert_close(model.log_share.exp().double(), counts / counts.sum(), rtol=1e-5, atol=1e-6)
    drawn = model.sample(4000, of(0)).mask.sum(1)
    share = torch.bincount(drawn, minlength=4) / 4000
    torch.testing.assert_close(share, model.log_share.exp(), rtol=0, atol=0.03)


def test_the_density_of_sets_of_at_most_one_object_integrates_to_one():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 1, 2, generator=generator, dtype=torch.float64)
    mask = torch.rand(1000, 1, generator=generator) < 0.6
    torch.manual_seed(0)
    model = Flow((1, 2), **SMALL).double()
    model.prepare(Batch(torch.where(mask.unsqueeze(-1), x, 0.0), mask))
    steps = torch.linspace(-8, 8, 200).double()
    grid = torch.cartesian_prod(steps, steps).unsqueeze(1)
    with torch.no_grad():
        one = model.log_prob(Batch(grid, torch.ones(len(grid), 1, dtype=torch.bool))).exp().sum()
        none = model.log_prob(Batch(grid[:1], torch.zeros(1, 1, dtype=torch.bool))).exp().sum()
    assert float(one * (steps[1] - steps[0]) ** 2 + none) == pytest.approx(1, abs=1e-3)


def test_draws_have_the_relations_of_the_chain_and_their_entropy(trained):
    made = trained.sample(3000, of(0))
    assert (made.x[~made.mask] == 0).all()
    two = made.mask[:, 1]
    drop = (made.x[:, 1, 0] - made.x[:, 0, 0])[two]
    assert float(drop.mean()) == pytest.approx(-0.7, abs=0.05)
    assert float(drop.std()) == pytest.approx(0.1, abs=0.06)
    # What it makes is as likely as what it was trained on.
    with torch.no_grad():
        drawn, real = (float(trained.log_prob(each).mean()) for each in (made, chains(3000, seed=2)))
    assert drawn == pytest.approx(real, abs=0.3)


def test_the_way_back_through_the_objects_is_exact(trained):
    batch = take_rows(chains(50, seed=3), slice(50))
    z = trained.coordinates(batch.x)[0].float()
    latent, _ = trained.network(z, batch.mask)
    back = trained.network.inverse(latent, batch.mask)
    torch.testing.assert_close(back[batch.mask], z[batch.mask], rtol=1e-4, atol=1e-5)


def test_each_object_is_conditioned_on_those_before_it_alone(trained):
    batch = chains(200, seed=4)
    z = trained.coordinates(batch.x)[0].float()
    full = batch.mask.all(1)
    changed = z.clone()
    changed[:, 2] += 1
    first, other = (trained.network(each, batch.mask)[0][full] for each in (z, changed))
    torch.testing.assert_close(first[:, :2], other[:, :2], rtol=1e-5, atol=1e-6)
    assert (first[:, 2] != other[:, 2]).all()


def test_what_the_report_shows_is_of_objects(trained):
    batch = chains(400, seed=5)
    found = next(each for each in trained.diagnostics({"mc": batch}, {}, "mc") if isinstance(each, DensityChecks))
    n_objects = int(batch.mask.sum())
    assert found.real.shape == found.latent.shape == (n_objects, 2)
    assert found.log_prob.shape == (400,)
    assert not math.isnan(float(found.latent.sum()))


def test_a_context_of_sets_is_refused():
    with pytest.raises(ValueError, match="takes no context"):
        Flow((3, 2), context_size=1)
