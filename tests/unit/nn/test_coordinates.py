"""Coordinates of a density: inverse, exact Jacobian, what is clipped, what is smeared, angles."""

import math

import numpy as np
import pytest
import torch
from torch.autograd.functional import jacobian

from hepad.nn import COORDINATES, Coordinates
from hepad.nn.column_values import column_values, evenly_smeared
from hepad.nn.coordinates import EDGE


@pytest.fixture
def entries():
    """Three columns of very different size and shape: normal, a falling spectrum, angles."""
    rng = np.random.default_rng(3)
    columns = [rng.normal(50, 20, 3000), 0.001 * rng.exponential(1, 3000) ** 2, rng.uniform(-math.pi, math.pi, 3000)]
    return torch.from_numpy(np.stack(columns, 1))


def fitted(kind, x, **settings):
    return Coordinates(kind, x.shape[1], **settings).fit(x)


@pytest.mark.parametrize("periodic", [[], [2]])
@pytest.mark.parametrize("kind", COORDINATES)
def test_the_jacobian_is_that_of_automatic_differentiation(entries, kind, periodic):
    coordinates = fitted(kind, entries, periodic=periodic)
    for x in entries[:20]:
        z, log_slope = coordinates(x.unsqueeze(0))
        slopes = jacobian(lambda value: coordinates(value.unsqueeze(0))[0][0], x)
        # Each column by itself.
        assert torch.count_nonzero(slopes - slopes.diag().diag()) == 0
        assert slopes.diag().log().sum() == pytest.approx(float(log_slope), abs=1e-8)
        assert z.isfinite().all()


@pytest.mark.parametrize("kind", COORDINATES)
def test_the_way_back_is_exact(entries, kind):
    coordinates = fitted(kind, entries, periodic=[2])
    # What is nearer to an edge than ε is clipped.
    reach = entries.amax(0) - entries.amin(0)
    inside = entries[((entries - entries.amin(0) > EDGE * reach) & (entries.amax(0) - entries > EDGE * reach)).all(1)]
    assert len(inside) > 2900
    back = coordinates.inverse(coordinates(inside)[0])
    torch.testing.assert_close(back / entries.std(0), inside / entries.std(0), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["standard", "rank_gaussian"])
def test_values_far_outside_of_the_training_range_come_back_and_are_not_clipped(entries, kind):
    coordinates = fitted(kind, entries)
    far = torch.stack([entries.amin(0) - 10 * entries.std(0), entries.amax(0) + 10 * entries.std(0)])
    assert not coordinates.outside(far).any()
    torch.testing.assert_close(coordinates.inverse(coordinates(far)[0]), far)
    assert (coordinates(far)[0].diff(dim=0) > 5).all()


def test_logit_clips_what_is_outside_of_the_training_range_and_counts_it(entries):
    coordinates = fitted("logit", entries)
    beyond = torch.stack([entries.amax(0) + 1, entries.amax(0) + 1e6, entries.median(0).values])
    assert coordinates.outside(beyond).tolist() == [[True] * 3, [True] * 3, [False] * 3]
    z, log_slope = coordinates(beyond)
    # At the same edge, and none is dropped.
    assert torch.equal(z[0], z[1])
    assert log_slope[0] == log_slope[1]
    edge = math.log((1 - EDGE) / EDGE)
    torch.testing.assert_close(z[0] * coordinates.scale + coordinates.center, torch.full((3,), edge).double())
    assert not coordinates.outside(entries).any()


def test_ranks_of_training_entries_are_normal(entries):
    z = fitted("rank_gaussian", entries)(entries)[0]
    for column in z.T:
        normal = torch.distributions.Normal(0, 1).icdf((torch.arange(3000) + 0.5) / 3000)
        assert (column.sort().values - normal).abs().max() < 0.6
        assert (column.sort().values - normal)[300:-300].abs().max() < 0.03


def test_an_angle_and_that_angle_a_turn_further_are_the_same(entries):
    coordinates = fitted("rank_gaussian", entries, periodic=[2])
    turned = entries + torch.tensor([0, 0, 2 * math.pi], dtype=torch.float64)
    torch.testing.assert_close(coordinates(entries)[0], coordinates(turned)[0], rtol=0, atol=1e-9)
    angle = coordinates.inverse(torch.randn(1000, 3).double())[:, 2]
    assert (angle.abs() <= math.pi).all()
    # A uniform angle is normal in them.
    u = torch.linspace(-math.pi, math.pi, 4001).double()[:-1]
    density = coordinates(torch.stack([entries[0, 0].expand(4000), entries[0, 1].expand(4000), u], 1))
    z = density[0][:, 2]
    assert (z.std() - 1).abs() < 0.01


def test_the_ring_is_cut_where_it_is_emptiest():
    angles = torch.cat([torch.linspace(-3.1, 1.0, 500), torch.linspace(1.5, 3.1, 200)]).unsqueeze(1)
    assert 1.0 < float(fitted("standard", angles, periodic=[0]).low[0]) < 1.5


@pytest.mark.parametrize("step", [1.0, 0.25, 1024.0])
def test_a_grid_is_found_smeared_over_its_step_and_rounded_off(step):
    rng = np.random.default_rng(1)
    x = torch.from_numpy(step * rng.poisson(5, (2000, 1)).astype("f4"))
    coordinates = fitted("rank_gaussian", x)
    assert float(coordinates.step[0]) == pytest.approx(step)
    moved = coordinates.smeared(x, torch.rand(2000, 1))
    assert ((moved - x).abs() <= step / 2).all()
    assert (moved - x).std() == pytest.approx(step / math.sqrt(12), rel=0.05)
    torch.testing.assert_close(coordinates.round_off(moved), x.double())


def test_a_value_that_many_entries_share_is_smeared_and_comes_back():
    rng = np.random.default_rng(1)
    column = np.where(rng.random(4000) < 0.5, -1.0, rng.random(4000)).astype("f4")
    x = torch.from_numpy(column).unsqueeze(1)
    coordinates = fitted("rank_gaussian", x)
    silent = x[:, 0] == -1
    moved = coordinates.smeared(x, torch.rand(4000, 1))
    assert moved[silent].unique().numel() > 1000
    assert torch.equal(moved[~silent], x[~silent].double())
    torch.testing.assert_close(coordinates.round_off(moved), x.double())


def test_continuous_columns_are_left_alone():
    column = np.random.default_rng(1).normal(size=1000)
    found = column_values(column)
    assert found.step == 0
    assert np.isnan(found.atoms).all()
    assert np.array_equal(evenly_smeared(column, found), column)


def test_weights_count_entries_as_often():
    x = torch.randn(400, 1).double()
    weight = torch.randint(0, 4, (400,))
    for kind in ("standard", "logit"):
        one = Coordinates(kind, 1, smear=False).fit(x, weight)
        other = Coordinates(kind, 1, smear=False).fit(torch.cat([x.repeat_interleave(weight, 0), x[weight == 0]]),
            torch.cat([torch.ones(int(weight.sum())), torch.zeros(int((weight == 0).sum()))]))  # fmt: skip
        torch.testing.assert_close(one(x)[0], other(x)[0])


def test_other_precisions_leave_the_tables_in_float64(entries):
    coordinates = fitted("rank_gaussian", entries)
    expected = coordinates(entries)[0]
    assert torch.equal(coordinates.to(torch.bfloat16).half()(entries)[0], expected)
    assert {part.dtype for part in coordinates.buffers()} == {torch.float64, torch.bool}


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="allowed: standard, logit, rank_gaussian"):
        Coordinates("quantile", 2)
    with pytest.raises(ValueError, match="column 2 is not among the 2"):
        Coordinates("logit", 2, periodic=[2])
    with pytest.raises(ValueError, match="NaN or inf"):
        Coordinates("logit", 1).fit(torch.tensor([[1.0], [math.nan]]))
    with pytest.raises(ValueError, match="no training entry"):
        Coordinates("logit", 1).fit(torch.empty(0, 1))
