"""Velocity fields: exact traces, one field whatever the order of objects, and the rules that follow them."""

import math

import pytest
import torch
from torch.autograd.functional import jacobian

from hepad.nn import PATHS, CosinePath, SetVelocity, StraightPath, VectorVelocity
from hepad.nn.matching import FixedNoise, in_order, spread_times, transported
from hepad.nn.ode import integrate

T = torch.full((1,), 0.3, dtype=torch.float64)


def vector_field(objective, context_size=2):
    torch.manual_seed(0)
    return VectorVelocity(PATHS[objective](), 3, context_size, hidden=[8, 8, 4]).double()


def set_field(objective="velocity", context_size=0):
    torch.manual_seed(0)
    return SetVelocity(PATHS[objective](), 2, context_size, hidden=[8, 8], size=4).double()


def sets(n=5):
    mask = torch.arange(4) < torch.tensor([4, 3, 2, 1, 0])[:n].unsqueeze(1)
    return torch.where(mask.unsqueeze(-1), torch.randn(n, 4, 2).double(), 0.0), mask


@pytest.mark.parametrize("objective", PATHS)
def test_the_divergence_of_vectors_is_the_trace_of_the_jacobian(objective):
    field, y, c = vector_field(objective), torch.randn(4, 3).double(), torch.randn(4, 2).double()
    v, divergence = field.with_divergence(y, T, c)
    torch.testing.assert_close(v, field(y, T, c)[0])
    for i in range(4):
        matrix = jacobian(lambda row, i=i: field(row[None], T, c[i : i + 1])[0][0], y[i])
        assert float(divergence[i].detach()) == pytest.approx(float(matrix.trace()), abs=1e-10)


def test_the_divergence_of_sets_is_the_trace_over_the_objects_that_are_there():
    field, (y, mask), c = set_field(context_size=1), sets(), torch.randn(5, 1).double()
    _, divergence = field.with_divergence(y, T, c, mask)
    for i in range(5):
        real = y[i, mask[i]].flatten()

        def moved(row, i=i):
            filled = torch.zeros(4, 2).double().index_put((torch.nonzero(mask[i])[:, 0],), row.view(-1, 2))
            return field(filled[None], T, c[i : i + 1], mask[i : i + 1])[0][0, mask[i]].flatten()

        expected = jacobian(moved, real).trace() if len(real) else torch.zeros(())
        assert float(divergence[i].detach()) == pytest.approx(float(expected), abs=1e-10)


def test_objects_move_the_same_in_any_order_and_see_each_other():
    field, (y, mask) = set_field(), sets()
    v, _ = field(y, T, None, mask)
    order = torch.tensor([2, 0, 3, 1])
    turned, _ = field(y[:, order], T, None, mask[:, order])
    torch.testing.assert_close(turned, v[:, order], rtol=0, atol=1e-12)
    assert (v[~mask] == 0).all()
    # What stands in an empty slot is not seen, another object is.
    noisy = torch.where(mask.unsqueeze(-1), y, 7.0)
    torch.testing.assert_close(field(noisy, T, None, mask)[0], v)
    other = y.clone()
    other[0, 3] += 1
    assert (field(other, T, None, mask)[0][0, :3] - v[0, :3]).abs().max() > 1e-4


@pytest.mark.parametrize("path", [StraightPath(), CosinePath()])
def test_the_velocity_of_a_path_is_its_derivative_and_names_the_noise(path):
    x, noise = torch.randn(6).double(), torch.randn(6).double()
    t = torch.rand(6).double().requires_grad_()
    point = path.point(x, noise, t)
    (slope,) = torch.autograd.grad(point.sum(), t)
    torch.testing.assert_close(slope, path.velocity(x, noise, t))
    at = path.coefficients(t)
    named = (at.a * slope - at.da * point) / (at.a * at.db - at.da * at.b)
    torch.testing.assert_close(named, noise)
    torch.testing.assert_close(path.noise_weight(t), (at.a / (at.a * at.db - at.da * at.b)).square())
    ends = path.point(x, noise, torch.tensor([0.0, 1.0]).double().unsqueeze(1))
    torch.testing.assert_close(ends, torch.stack([x, noise]), rtol=0, atol=1e-3)


@pytest.mark.parametrize("path", [StraightPath(), CosinePath()])
def test_the_slope_of_normal_entries_is_the_regression_of_the_velocity_on_the_point(path):
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, 200_000, generator=generator, dtype=torch.float64)
    t = torch.tensor(0.7).double()
    point, velocity = path.point(x, noise, t), path.velocity(x, noise, t)
    assert float((point * velocity).mean() / point.square().mean()) == pytest.approx(
        float(path.normal_slope(t)), abs=0.02
    )


@pytest.mark.parametrize(("rule", "order"), [("midpoint", 2), ("runge_kutta", 4)])
def test_a_rule_has_its_order(rule, order):
    def off(steps):
        (end,) = integrate(lambda s, t: (s[0] * math.cos(t),), (torch.ones(1).double(),), 0.0, 2.0, steps, rule)
        return abs(float(end) - math.exp(math.sin(2.0)))

    assert off(20) / off(40) == pytest.approx(2**order, rel=0.15)


def test_many_points_are_moved_as_few_are_and_come_back(monkeypatch):
    field, y = vector_field("velocity", 0), torch.randn(11, 3).double()
    there, trace = transported(field, y, 0.0, 1.0, 60, "runge_kutta", exact=True)
    back, traced = transported(field, there, 1.0, 0.0, 60, "runge_kutta", exact=True)
    torch.testing.assert_close(back, y, rtol=0, atol=1e-8)
    torch.testing.assert_close(traced, -trace, rtol=0, atol=1e-7)
    monkeypatch.setattr("hepad.nn.matching.AT_ONCE", 4)
    again, same = transported(field, y, 0.0, 1.0, 60, "runge_kutta", exact=True)
    torch.testing.assert_close(again, there)
    torch.testing.assert_close(same, trace)
    assert transported(field, y[:0], 0.0, 1.0, 2, "midpoint")[0].shape == (0, 3)


def test_times_cover_the_unit_interval_evenly_and_noises_come_in_pairs():
    fixed = FixedNoise((3,), 8)
    assert torch.equal(fixed.noise[::2], -fixed.noise[1::2])
    assert torch.equal(fixed.noise, FixedNoise((3,), 8).noise)
    times = torch.cat([t for t, _ in fixed.spread(4)])
    torch.testing.assert_close(times, torch.tensor([1, 3, 5, 7]).double() / 8)
    t, noise = fixed.by_place(100)
    assert noise.shape == (100, 3)
    for drawn in (t, spread_times(100, torch.device("cpu"))):
        assert torch.histc(drawn, 10, 0, 1).tolist() == pytest.approx([10] * 10, abs=1)


def test_the_order_of_objects_is_that_of_their_features_alone():
    x, mask = sets()
    x[0, :2, 0] = 1.0
    shown, there = in_order(x, mask)
    order = torch.tensor([3, 1, 0, 2])
    again, same = in_order(x[:, order], mask[:, order])
    assert torch.equal(there, same)
    assert torch.equal(shown[there], again[there])
    assert (there[:, :-1] >= there[:, 1:]).all()
    falling = (shown[:, :-1, 0] >= shown[:, 1:, 0]) | ~there[:, 1:]
    assert falling.all()
