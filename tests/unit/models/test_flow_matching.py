"""Flow matching: with the velocity of a normal distribution density, draws and inverse are exact; it also learns."""

import math
from types import SimpleNamespace

import pytest
import torch
from tests.unit.models.test_flow import of, skewed_plane, train
from torch.autograd.functional import jacobian

from hepad.core.batch import Batch, take_rows
from hepad.core.diagnostics import DensityChecks, GeneratedEntries, Remark
from hepad.core.errors import UserError
from hepad.models import FlowMatching
from hepad.nn import COORDINATES, PATHS
from hepad.nn.matching import transported
from hepad.nn.velocity import VelocityField

SMALL = {"hidden": [16]}
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=torch.float64)
SLOPE = torch.tensor([0.8, -0.5], dtype=torch.float64)


class NormalVelocity(VelocityField):
    """The velocity of N(μ, Σ) with μ = w c: v = a′ μ + (a a′ Σ + b b′)(a² Σ + b²)⁻¹ (y − a μ), as conditioning says."""

    def forward(self, y, t, given=None, mask=None, tangents=None):
        at = self.path.coefficients(t)
        unit = torch.eye(2, dtype=y.dtype)
        matrix = (at.a * at.da * COVARIANCE + at.b * at.db * unit) @ torch.linalg.inv(
            at.a**2 * COVARIANCE + at.b**2 * unit
        )
        mean = torch.zeros(2, dtype=y.dtype) if given is None else given * SLOPE
        v = at.da * mean + (y - at.a * mean) @ matrix.T
        return v, None if tangents is None else tangents @ matrix.T


def exact(objective="velocity", context_size=0, **settings):
    """A model that knows the answer, in float64, and columns of mean 50 and 0 and of scales 20 and 0.1."""
    model = FlowMatching((2,), context_size, objective, coordinates="standard", ema=0.0, **SMALL | settings).double()
    model.network = NormalVelocity(model.path)
    model.network.register_parameter("weight", torch.nn.Parameter(torch.zeros(1).double()))
    model.coordinates.center.copy_(torch.tensor([50.0, 0.0]))
    model.coordinates.scale.copy_(torch.tensor([20.0, 0.1]))
    model.coordinates.has_width = False
    return model.eval()


def normal(c=None):
    """The density that it should be, in raw units, σ = 10⁻⁴ included."""
    mean = torch.zeros(2).double() if c is None else c * SLOPE
    scale = torch.tensor([20.0, 0.1]).double()
    covariance = scale.unsqueeze(1) * (COVARIANCE + 1e-8 * torch.eye(2)) * scale
    center = torch.tensor([50.0, 0.0]).double() + scale * mean
    return torch.distributions.MultivariateNormal(center, covariance)


def small(x, context=None, weight=None, **settings):
    torch.manual_seed(0)
    size = 0 if context is None else context.shape[1]
    model = FlowMatching(x.shape[1:], size, **SMALL | settings)
    model.prepare(Batch(x, context=context, weight=weight))
    return model


def fit(model, batch, **options):
    model.log = lambda *_, **__: None
    losses = model.losses

    def averaged(rows):
        model.average.update(model.network)
        return losses(rows)

    model.losses = averaged
    found = train(model, batch, **options)
    del model.losses
    return found


@pytest.mark.parametrize("objective", PATHS)
def test_the_density_of_an_analytic_velocity_is_that_of_its_normal_distribution(objective):
    model, x = exact(objective, n_steps=100), normal().sample((200,))
    expected = normal().log_prob(x)
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob(Batch(x)), expected, rtol=0, atol=1e-5)
        model.n_steps = 30
        torch.testing.assert_close(model.log_prob(Batch(x)), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("objective", PATHS)
def test_a_conditional_density_is_that_of_its_normal_distribution_and_so_are_draws(objective):
    model = exact(objective, context_size=1, n_steps=100)
    c = torch.randn(6000, 1, generator=of(0)).double()
    x = torch.cat([normal(row).sample((1,)) for row in c[:200]])
    expected = torch.stack([normal(row).log_prob(point) for row, point in zip(c[:200], x, strict=True)])
    with torch.no_grad():
        found = model.log_prob(Batch(x, context=c[:200]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    scale = torch.tensor([20.0, 0.1]).double()
    z = (model.sample(c, of(1)).x.double() - torch.tensor([50.0, 0.0])) / scale - c * SLOPE
    torch.testing.assert_close(z.mean(0), torch.zeros(2).double(), rtol=0, atol=4 / math.sqrt(6000))
    torch.testing.assert_close(torch.cov(z.T), COVARIANCE, rtol=0, atol=0.08)


def test_sampling_then_scoring_gives_the_entropy():
    model = exact()
    with torch.no_grad():
        scores = model.anomaly_score(Batch(model.sample(8000, of(0)).x.double()))
    assert float(scores.mean()) == pytest.approx(float(normal().entropy()), abs=4 * float(scores.std()) / 8000**0.5)


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_the_log_jacobian_is_that_of_automatic_differentiation_and_the_inverse_is_exact(coordinates):
    x, c = torch.randn(300, 2).double() @ torch.tensor([[1.0, 0.5], [0, 0.1]]).double(), torch.randn(300, 1).double()
    model = small(x, c, coordinates=coordinates, n_steps=160).double().eval()
    inside = torch.nonzero(((x > x.amin(0)) & (x < x.amax(0))).all(1)).flatten()[:4]
    batch = take_rows(Batch(x, context=c), inside)
    found = model.log_prob(batch).detach()
    for i in range(4):
        one = batch.context[i : i + 1]
        matrix = jacobian(lambda row, one=one: model.latent(Batch(row[None], context=one))[0], batch.x[i])
        point = model.latent(Batch(batch.x[i : i + 1], context=one))[0].detach()
        expected = -0.5 * point.square().sum() - math.log(2 * math.pi) + torch.linalg.slogdet(matrix)[1]
        assert float(found[i]) == pytest.approx(float(expected), abs=1e-8)
    with torch.no_grad():
        given = model.context(batch.context)
        back, _ = transported(model._field, model.latent(batch), 1.0, 0.0, 80, "runge_kutta", None, given)
    torch.testing.assert_close(model.coordinates.inverse(back), batch.x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("objective", PATHS)
def test_a_trained_density_integrates_to_one_and_comes_near_the_truth(objective):
    plane = skewed_plane().float()
    model = fit(small(plane, coordinates="standard", objective=objective, hidden=[32, 32]), Batch(plane), steps=250)
    steps = torch.linspace(-7, 7, 71)
    grid = torch.cartesian_prod(50 + 20 * steps, 0.03 + 0.11 * steps)
    with torch.no_grad():
        density = model.log_prob(Batch(grid)).double().exp()
        found = -model.log_prob(Batch(plane)).double().mean()
    assert float(density.sum()) * 20 * 0.11 * 0.2**2 == pytest.approx(1, abs=1e-3)
    # x = 50 + 20 u and y = 0.1 e + 0.03 u² with u and e normal; without their relation there are 0.083 nats more.
    u = (plane[:, 0] - 50) / 20
    e = (plane[:, 1] - 0.03 * u**2) / 0.1
    truth = float((0.5 * (u**2 + e**2)).mean()) + math.log(2 * math.pi * 20 * 0.1)
    assert truth - 0.03 < float(found) < truth + 0.05
    made = model.sample(3000, of(0)).x
    torch.testing.assert_close(made.mean(0), plane.mean(0), rtol=0.1, atol=0.02)
    torch.testing.assert_close(made.std(0), plane.std(0), rtol=0.1, atol=0.02)


def test_one_dimension_integrates_to_one():
    x = torch.randn(500, 1).exp()
    model = small(x, coordinates="standard").eval()
    grid = torch.linspace(-30, 40, 4001).unsqueeze(1)
    with torch.no_grad():
        density = model.log_prob(Batch(grid)).double().exp()
    assert float(torch.trapezoid(density, grid[:, 0].double())) == pytest.approx(1, abs=1e-3)


def test_a_trained_conditional_density_follows_its_context():
    c = 1000 + 500 * torch.rand(4000, 1, generator=of(0))
    x = 0.1 * c + 5 * torch.randn(4000, 1, generator=of(1))
    batch = Batch(x, context=c)
    model = fit(small(x, c, coordinates="standard", hidden=[32, 32]), batch, steps=300)
    held = 1100 + 300 * torch.rand(1000, 1, generator=of(2))
    at = Batch(0.1 * held + 5 * torch.randn(1000, 1, generator=of(3)), context=held)
    exact_log_prob = torch.distributions.Normal(0.1 * held, 5.0).log_prob(at.x)[:, 0]
    with torch.no_grad():
        assert float((exact_log_prob - model.log_prob(at)).mean()) == pytest.approx(0, abs=0.05)
    made = model.sample(held, of(4)).x - 0.1 * held
    assert float(made.mean()) == pytest.approx(0, abs=1)
    assert float(made.std()) == pytest.approx(5, rel=0.12)


@pytest.mark.parametrize("objective", PATHS)
def test_every_weight_and_every_entry_has_a_gradient(objective):
    x = torch.randn(64, 3)
    model = small(x, objective=objective)
    model.train().losses(Batch(x)).mean().backward()
    for name, weight in model.network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name
    assert all(weight.grad is None for weight in model.average.parameters())
    for score in ("velocity", "nll", "norm"):
        entries = x[:4].clone().requires_grad_()
        model.score = score
        model.eval().anomaly_score(Batch(entries)).sum().backward()
        assert entries.grad.isfinite().all()
        assert (entries.grad.abs().sum(dim=1) > 0).all()


def test_the_velocity_error_is_the_objective_at_fixed_times_and_noises():
    x = torch.randn(300, 3)
    model = small(x, noises=4).double().eval()
    batch = Batch(x[:5].double())
    z = model.coordinates(batch.x)[0]
    expected = torch.zeros(5).double()
    for k in range(4):
        t = torch.tensor([(k + 0.5) / 4]).double()
        noise = model.fixed.noise[k].double()
        b = 1e-4 + (1 - 1e-4) * t
        v = model._field((1 - t) * z + b * noise, t)[0]
        expected += (v - ((1 - 1e-4) * noise - z)).square().mean(dim=1) / 4
    torch.testing.assert_close(model.score_parts(batch)["velocity"], expected)
    # As diffusion the loss is the error of the noise that the velocity names.
    model = small(x, noises=1, objective="noise").double().eval()
    half, noise = math.pi / 4, model.fixed.noise[0].double()
    z = model.coordinates(batch.x)[0]
    point = math.cos(half) * z + math.sin(half) * noise
    u = model._field(point, torch.tensor([0.5]).double())[0] / (math.pi / 2)
    named = math.sin(half) * point + math.cos(half) * u
    torch.testing.assert_close(model._scores_and_loss(batch)[1], (named - noise).square().mean(dim=1))


def test_validation_is_the_same_in_every_epoch_and_training_is_not():
    x = torch.randn(300, 3)
    model = small(x)
    batch = Batch(x[:50])
    assert torch.equal(model.eval().losses(batch), model.losses(batch))
    assert not torch.equal(model.train().losses(batch), model.losses(batch))


def test_what_scores_is_the_moving_average_of_the_weights():
    x = torch.randn(100, 2)
    model = small(x, ema=0.9)
    model.log = lambda *_, **__: None
    before = model.eval().anomaly_score(Batch(x))
    with torch.no_grad():
        model.network.out.bias += 1
    assert torch.equal(model.anomaly_score(Batch(x)), before)
    model.train().training_step(Batch(x), 0)
    assert not torch.equal(model.anomaly_score(Batch(x)), before)
    plain = small(x, ema=0.0)
    assert plain._field is plain.network


def test_auto_is_the_density_where_it_can_be_had_and_more_numbers_are_refused_in_one_line():
    assert small(torch.randn(50, 3)).score == "nll"
    wide = small(torch.randn(50, 11))
    assert wide.score == "velocity"
    assert list(wide.eval().score_parts(Batch(torch.randn(4, 11)))) == ["velocity"]
    said = "11 numbers is more than model.exact_up_to=10.*use model.score=velocity"
    with pytest.raises(UserError, match=said) as refusal:
        small(torch.randn(50, 11), score="nll")
    assert "\n" not in str(refusal.value)
    with pytest.raises(UserError, match=said):
        wide.log_prob(Batch(torch.randn(4, 11)))
    assert small(torch.randn(50, 11), score="nll", exact_up_to=11).is_exact
    norm = small(torch.randn(50, 11), score="norm").eval()
    assert set(norm.score_parts(Batch(torch.randn(4, 11)))) == {"velocity", "norm"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objective": "hard"}, "allowed: velocity, noise"),
        ({"score": "elbo"}, "allowed: auto, velocity, nll, norm"),
        ({"coordinates": "log"}, "allowed: standard, logit"),
        ({"noises": 0}, "1 to 256"),
        ({"n_steps": 0}, "at least 1"),
        ({"hidden": []}, "at least one layer"),
        ({"hidden": [0]}, "hidden=.*at least 1"),
        ({"ema": 1.0}, "below 1"),
    ],
)
def test_settings_that_it_does_not_have_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        FlowMatching((2,), **settings)


def test_constant_columns_and_what_lies_outside_of_the_training_range_are_remarked_on():
    x = torch.stack([torch.full((400,), 2.0), torch.randn(400)], 1)
    assert "column 0 never varied" in small(x).remarks()[0]
    c = torch.rand(400, 1)
    model = small(torch.randn(400, 2), c, coordinates="logit", n_steps=4)
    far = Batch(torch.tensor([[0.0, 99.0], [0.0, 0.0]]), context=torch.tensor([[0.5], [7.0]]))
    found = list(model.diagnostics({"mc": Batch(torch.randn(400, 2).clamp(-1, 1), context=c), "signal": far}, {}, "mc"))
    said = [each.text for each in found if isinstance(each, Remark)]
    assert "1 of 2 entries of signal lie outside of the training range in column 1" in said[0]
    assert len(said) == 1
    assert [type(each) for each in found if not isinstance(each, Remark)] == [GeneratedEntries, DensityChecks]
    with pytest.raises(ValueError, match="conditioned on 1 observables"):
        model.sample(5, of(0))


def test_without_a_density_the_report_shows_draws_and_says_why():
    model = small(torch.randn(100, 11), n_steps=2)
    found = list(model.diagnostics({"mc": Batch(torch.randn(100, 11))}, {}, "mc"))
    assert [type(each) for each in found] == [GeneratedEntries, Remark]
    assert "There is no ln p: an entry of 11 numbers" in found[1].text


def test_evaluation_takes_each_score_once_and_as_anomaly_score_does():
    x = torch.randn(100, 2)
    model = small(x)
    model.trainer = SimpleNamespace(precision="32-true")
    found = model.test_step(Batch(x), 0)
    assert set(found) == {"score", "loss", "part/velocity", "part/nll", "part/norm"}
    assert torch.equal(found["score"], model.anomaly_score(Batch(x)))
    torch.testing.assert_close(found["loss"], found["part/velocity"])
