"""The variational autoencoder: its objective, its scores, and samples of its prior."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from hepad.core.batch import Batch
from hepad.models import VariationalAutoencoder
from hepad.models.vae import SCORES

MSE = {"_target_": "hepad.losses.MSE"}
SHAPES = {"jets": [17], "events": [8, 17], "images": [1, 18, 14]}


def entries(kind: str, n: int = 60, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *SHAPES[kind], generator=generator) * 30 + 5
    if kind != "events":
        return Batch(x)
    n_jets = torch.randint(0, 9, (n,), generator=generator)
    mask = torch.arange(8) < n_jets[:, None]
    return Batch(x * mask.unsqueeze(-1), mask)


def build(kind: str, **settings) -> VariationalAutoencoder:
    torch.manual_seed(1)
    model = VariationalAutoencoder(SHAPES[kind], MSE, **settings)
    model.prepare(entries(kind, 500))
    model.log = lambda *_, **__: None
    return model.eval()


def parts(model, batch):
    with torch.no_grad():
        return model.score_parts(batch)


@pytest.mark.parametrize("network", ["dense", "time_distributed", "conv"])
@pytest.mark.parametrize("kind", SHAPES)
def test_a_network_takes_the_entries_it_is_made_for(kind, network):
    axes = {"time_distributed": 2, "conv": 3}.get(network)
    if axes not in (None, len(SHAPES[kind])):
        with pytest.raises(ValueError, match="cannot take entries"):
            build(kind, network=network)
        return
    model, batch = build(kind, network=network), entries(kind)
    assert model.anomaly_score(batch).shape == (60,)
    assert model.reconstruct(model.normalizer(batch.x, batch.mask)).shape == batch.x.shape
    per_slot = network == "time_distributed"
    assert model.encode(batch.x)[0].shape == ((60, 8, 4) if per_slot else (60, 4))


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("score", SCORES)
def test_a_score_depends_on_the_entry_alone(kind, score):
    model, batch = build(kind, score=score), entries(kind)
    with torch.no_grad():
        together = model.anomaly_score(batch)
        order = torch.randperm(60)
        shuffled = Batch(batch.x[order], None if batch.mask is None else batch.mask[order])
        torch.testing.assert_close(model.anomaly_score(shuffled), together[order])
        alone = [Batch(batch.x[i : i + 1], None if batch.mask is None else batch.mask[i : i + 1]) for i in range(5)]
        torch.testing.assert_close(torch.cat([model.anomaly_score(one) for one in alone]), together[:5])
        torch.testing.assert_close(model.anomaly_score(batch), together, rtol=0, atol=0)


def test_scores_are_their_formulas():
    model, batch = build("jets", beta=0.7), entries("jets")
    with torch.no_grad():
        z = model.normalizer(batch.x)
        mean, log_variance = model.encode(z)
        code = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
        prior = Independent(Normal(torch.zeros(4), torch.ones(4)), 1)
        squares = (model.network.decode(mean) - z).square()
    found = parts(model, batch)
    torch.testing.assert_close(found["kl"], kl_divergence(code, prior))
    torch.testing.assert_close(found["mu2"], mean.square().sum(dim=1))
    torch.testing.assert_close(found["reconstruction"], squares.mean(dim=1))
    torch.testing.assert_close(found["elbo"], squares.sum(dim=1) + 0.7 * kl_divergence(code, prior))


def test_the_objective_is_minus_elbo_of_a_normal_decoder_of_variance_half_beta():
    model, batch = build("jets", beta=0.4), entries("jets")
    z = model.normalizer(batch.x)
    mean, log_variance = model.encode(z)
    noise = torch.randn_like(mean)
    objective, _, _ = model._objective(batch, z, mean, log_variance, noise)
    sigma = (0.5 * log_variance).exp()
    decoded = Independent(Normal(model.network.decode(mean + sigma * noise), math.sqrt(0.4 / 2)), 1)
    elbo = decoded.log_prob(z) - kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0)).sum(dim=1)
    # Equal up to the factor β/D and the normalisation of the normal distribution.
    constant = -17 / 2 * math.log(2 * math.pi * 0.4 / 2)
    torch.testing.assert_close(objective, 0.4 / 17 * (constant - elbo), rtol=1e-4, atol=1e-4)


def test_empty_slots_count_for_nothing():
    model, batch = build("events"), entries("events")
    assert batch.mask is not None
    empty = ~batch.mask.any(dim=1)
    assert empty.any()
    for score, values in parts(model, batch).items():
        assert (values[empty] == 0).all(), score
    garbage = torch.where(batch.mask.unsqueeze(-1), batch.x, torch.tensor(1e3))
    for score, values in parts(model, Batch(garbage, batch.mask)).items():
        torch.testing.assert_close(values, parts(model, batch)[score])


def test_kl_of_an_event_is_the_sum_over_its_jets():
    model, batch = build("events"), entries("events")
    jets = build("jets")
    jets.load_state_dict(model.state_dict())
    assert batch.mask is not None
    per_jet = torch.zeros(batch.mask.shape)
    per_jet[batch.mask] = parts(jets, Batch(batch.x[batch.mask]))["kl"]
    torch.testing.assert_close(parts(model, batch)["kl"], per_jet.sum(dim=1))


@pytest.mark.parametrize("normalizer", ["standard", "robust", "log", "layer", "none"])
@pytest.mark.parametrize("kind", SHAPES)
def test_samples_of_the_prior_are_entries_in_raw_units(kind, normalizer):
    model, like = build(kind, normalizer=normalizer), entries(kind)
    made = model.sample_prior(like)
    assert made.shape == like.x.shape
    assert torch.isfinite(made).all()
    assert torch.equal(made, model.sample_prior(like))
    assert not torch.equal(made, model.sample_prior(like, seed=1))
    if like.mask is not None:
        assert (made[~like.mask] == 0).all()


def test_samples_of_the_prior_resemble_what_was_trained_on():
    torch.manual_seed(0)
    x = torch.randn(4000, 2) @ torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0]]) * 10 + 100
    model = VariationalAutoencoder([3], MSE, latent=2, beta=0.02, hidden=[32])
    model.prepare(Batch(x))
    model.log = lambda *_, **__: None
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        model.training_step(Batch(x[torch.randint(0, 4000, (256,))]), 0).backward()
        optimizer.step()
    made = model.sample_prior(Batch(x))
    torch.testing.assert_close(made.mean(dim=0), x.mean(dim=0), rtol=0.05, atol=3)
    torch.testing.assert_close(made.std(dim=0), x.std(dim=0), rtol=0.3, atol=0)
    torch.testing.assert_close(made.T.corrcoef(), x.T.corrcoef(), rtol=0, atol=0.35)


def test_validation_uses_the_same_random_numbers_every_time():
    model, batch, logged = build("jets"), entries("jets"), []
    model.log = lambda name, value, **_: logged.append((name, value.item()))
    model.validation_step(batch, 0)
    model.validation_step(batch, 0)
    assert {name for name, _ in logged} == {"val/loss", "val/mae", "val/reconstruction", "val/kl"}
    assert logged[:4] == logged[4:]


def test_extreme_entries_have_finite_scores():
    model = build("jets")
    for values in parts(model, Batch(torch.tensor([[0.0] * 17, [1e6] * 17, [-1e6] * 17]))).values():
        assert torch.isfinite(values).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"score": "likelihood"}, "reconstruction, kl"), ({"beta": -1.0}, "beta"), ({"network": "deep"}, "allowed: auto")],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        VariationalAutoencoder([17], MSE, **settings)


def conditioned(n: int, seed: int) -> Batch:
    """Return vectors whose last column is their context, and whose others are not."""
    x = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))
    context = 50 + 20 * torch.rand(n, 1, generator=torch.Generator().manual_seed(seed + 1))
    x[:, -1] = context[:, 0] + 0.5 * x[:, -1]
    return Batch(x, context=context)


def test_entries_are_made_up_for_the_context_that_is_asked_for():
    torch.manual_seed(0)
    model = VariationalAutoencoder((5,), MSE, beta=0.5, context_size=1)
    train = conditioned(2000, seed=0)
    model.prepare(train)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        z = model.normalizer(train.x)
        mean, log_variance = model.encode(z)
        loss = model._objective(train, z, mean, log_variance, torch.randn_like(mean))[0].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for wanted in (52.0, 68.0):
        made = model.sample(torch.full((500, 1), wanted), torch.Generator().manual_seed(0))
        assert float(made.x[:, -1].mean()) == pytest.approx(wanted, abs=2)
    right = conditioned(200, seed=7)
    wrong = right._replace(context=120 - right.context)
    with torch.no_grad():
        scores, errors = (
            [float(values.mean()) for values in found]
            for found in (
                (model.anomaly_score(batch) for batch in (right, wrong)),
                ((model.reconstruct_raw(batch) - right.x)[:, -1].abs() for batch in (right, wrong)),
            )
        )
    assert scores[1] > 1.2 * scores[0]
    assert errors[1] > 1.5 * errors[0]


def test_a_volume_and_every_slot_of_an_event_are_given_the_context():
    for shape in ((1, 6, 6, 6), (3, 4)):
        model = VariationalAutoencoder(shape, MSE, context_size=2)
        batch = Batch(torch.rand(20, *shape), context=torch.rand(20, 2))
        model.prepare(batch)
        assert model.anomaly_score(batch).shape == (20,)
        assert model.sample(batch.context, torch.Generator().manual_seed(0)).x.shape == batch.x.shape
        assert model.sample_prior(batch).shape == batch.x.shape


def test_a_context_has_to_be_given_where_there_is_one_and_nowhere_else():
    with_one = VariationalAutoencoder((5,), MSE, context_size=1)
    with pytest.raises(ValueError, match="is conditioned on 1 observables"):
        with_one.sample(3, torch.Generator())
    without = VariationalAutoencoder((5,), MSE)
    with pytest.raises(ValueError, match="conditioned on nothing"):
        without.sample(torch.ones(3, 1), torch.Generator())
    assert not [name for name in without.state_dict() if "context" in name]
