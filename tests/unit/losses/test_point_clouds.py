"""Losses of sets: Chamfer against a plain loop, Sinkhorn against exact transport, four-momenta, empty slots."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment, linprog

from hepad.config import compose
from hepad.config.registry import instantiate
from hepad.data import ConstituentsDataModule
from hepad.losses import MSE, Chamfer, PointCloudLoss, Sinkhorn, WeightedSum

LOSSES = {
    "chamfer": lambda: Chamfer(),
    "weighted chamfer": lambda: Chamfer(pt="log", pt_weighted=True, momentum=10.0),
    "shares": lambda: Chamfer(pt="share", pt_weighted=True, momentum=1.0),
    "sinkhorn": lambda: Sinkhorn(),
    "sinkhorn of jets": lambda: Sinkhorn(pt="log", momentum=1.0),
}


def sets(seed: int, n: int = 5, slots: int = 7, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """Two sets of jets, ln pT, Δη and Δφ, and the mask that both have: of 1 to `slots` objects."""
    rng = np.random.default_rng(seed)
    x_hat, x = (torch.tensor(rng.normal(size=(n, slots, 3)) * [1.0, 0.3, 0.3], dtype=dtype) for _ in range(2))
    counts = torch.tensor([1, 2, *rng.integers(1, slots + 1, n - 2)])
    return x_hat, x, torch.arange(slots) < counts.unsqueeze(1)


def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([[float(((p - q) ** 2).sum()) for q in b] for p in a])


@pytest.mark.parametrize("weighted", [False, True])
def test_chamfer_is_that_of_a_plain_loop(weighted):
    x_hat, x, mask = sets(0)
    loss = Chamfer(pt="log", pt_weighted=weighted)
    loss.fit_units(torch.tensor([2.0, 0.1, -0.1]), torch.tensor([1.5, 0.2, 0.3]))
    for found, p, q, real in zip(loss(x_hat, x, mask), x_hat.numpy(), x.numpy(), mask.numpy(), strict=True):
        made, given = p[real], q[real]
        expected = 0.0
        for one, other in ((given, made), (made, given)):
            pt = [math.exp(1.5 * row[0]) if weighted else 1.0 for row in one]
            for weight, row in zip(pt, one, strict=True):
                nearest = min(sum((a - b) ** 2 for a, b in zip(row, there, strict=True)) for there in other)
                expected += weight / sum(pt) * nearest
        assert float(found) == pytest.approx(expected, rel=1e-6)


def test_sinkhorn_of_equal_weights_becomes_the_best_assignment():
    x_hat, x, _ = sets(1)
    exact = [(c := squared(q, p))[linear_sum_assignment(c)].mean() for p, q in zip(x_hat, x, strict=True)]
    found = [Sinkhorn(epsilon=epsilon, iterations=400)(x_hat, x) for epsilon in (1.0, 0.1, 5e-3)]
    off = [float((values - torch.tensor(exact)).abs().max()) for values in found]
    assert off[0] > off[1] > off[2]
    assert off[2] < 2e-3


def test_sinkhorn_of_jets_becomes_the_exact_transport_of_their_pt():
    x_hat, x, mask = sets(2)
    loss = Sinkhorn(pt="log", epsilon=2e-3, iterations=1500)
    for found, p, q, real in zip(loss(x_hat, x, mask), x_hat.numpy(), x.numpy(), mask.numpy(), strict=True):
        a, b = (np.exp(each[real, 0]) / np.exp(each[real, 0]).sum() for each in (q, p))
        n = len(a)
        sums = np.concatenate([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
        plan = linprog(squared(q[real, 1:], p[real, 1:]).ravel(), A_eq=sums, b_eq=np.concatenate([a, b]))
        assert plan.fun > 0.05
        assert float(found) == pytest.approx(plan.fun, rel=0.04)


def test_the_gradient_of_sinkhorn_is_that_of_its_value():
    x_hat, x, mask = sets(3, n=2, slots=2)
    loss = Sinkhorn(pt="log", epsilon=0.2, iterations=60)
    assert torch.autograd.gradcheck(lambda made: loss(made, x, mask), x_hat.requires_grad_(), atol=1e-6)


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES.keys())
def test_equal_sets_in_any_order_have_loss_0_and_others_do_not(make):
    x_hat, x, mask = sets(4)
    turned = x.clone()
    for row, real in zip(turned, mask, strict=True):
        row[real] = row[real].flip(0)
    torch.testing.assert_close(make()(turned, x, mask), torch.zeros(5, dtype=x.dtype), atol=1e-12, rtol=0)
    assert (make()(x_hat, x, mask) > 1e-4).all()


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES.keys())
def test_empty_slots_neither_count_nor_learn(make):
    x_hat, x, mask = sets(5)
    loss = make()
    expected = loss(x_hat, x, mask)
    longer = [torch.cat([each, torch.full((5, 4, 3), value)], dim=1) for each, value in ((x_hat, 7.0), (x, -3.0))]
    padded = torch.cat([mask, torch.zeros(5, 4, dtype=torch.bool)], dim=1)
    made = longer[0].requires_grad_()
    found = loss(made, longer[1], padded)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert (made.grad[~padded] == 0).all()
    assert (loss(x_hat, x, torch.zeros_like(mask)) == 0).all()
    for i in range(5):
        alone = mask[i]
        torch.testing.assert_close(loss(x_hat[i : i + 1, alone], x[i : i + 1, alone]), expected[i : i + 1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES.keys())
def test_gradients_are_finite_for_one_object_duplicates_no_objects_and_huge_numbers(make, dtype):
    x_hat, x, mask = sets(6, dtype=dtype)
    x_hat[1, 1], x[1, 1], x[2] = x_hat[1, 0], x[1, 0], x[2, 0]
    x_hat[3] *= 1e4
    mask[4] = False
    found = make()(x_hat.requires_grad_(), x, mask)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    found.sum().backward()
    assert torch.isfinite(x_hat.grad).all()
    assert x_hat.grad[0].any()


@pytest.mark.parametrize("pt", ["log", "share"])
def test_four_momenta_are_those_of_the_jet(pt):
    data = ConstituentsDataModule(samples={}, background="qcd_jets", n_constituents=100, pt=pt, limit=50)
    data.setup()
    batch, seen = data.train_entries.batch, data.train_entries.observables
    loss = Chamfer(pt=pt, momentum=1.0)
    energy, px, py, pz = loss.four_momentum(batch.x.double(), batch.x.double(), batch.mask).T
    mass = (energy**2 - px**2 - py**2 - pz**2).sqrt().numpy()
    first, eta, phi = np.moveaxis(batch.x.double().numpy(), -1, 0)
    share = np.where(batch.mask, np.exp(first) if pt == "log" else first, 0)
    share /= share.sum(axis=1, keepdims=True)
    # Of massless constituents m² is the sum over all pairs of pT_i pT_j (cosh Δη − cos Δφ).
    apart = np.cosh(eta[:, :, None] - eta[:, None]) - np.cos(phi[:, :, None] - phi[:, None])
    np.testing.assert_allclose(mass, np.sqrt(np.einsum("bi,bj,bij->b", share, share, apart)), rtol=1e-6)
    # The file's mass is that after corrections for pileup.
    assert np.corrcoef(mass, seen["mass"] / seen["pt"])[0, 1] > 0.8


def test_the_units_of_the_normaliser_are_taken_and_kept():
    x_hat, x, mask = sets(7, dtype=torch.float32)
    center, scale = torch.tensor([3.0, 0.1, -0.2, 5.0]), torch.tensor([2.0, 0.5, 0.25, 1.0])
    for make in (lambda: Sinkhorn(pt="log", momentum=1.0), lambda: Chamfer("log", True, 1.0)):
        raw, fitted = make(), make()
        fitted.fit_units(center, scale)
        z_hat, z = ((each - center[:3]) / scale[:3] for each in (x_hat, x))
        if isinstance(fitted, Sinkhorn):
            torch.testing.assert_close(fitted(z_hat, z, mask), raw(x_hat, x, mask), rtol=1e-3, atol=1e-5)
        momenta = [loss.terms(*given, mask)["momentum"] for loss, given in ((fitted, (z_hat, z)), (raw, (x_hat, x)))]
        torch.testing.assert_close(*momenta, rtol=1e-3, atol=1e-5)
        again = make()
        again.load_state_dict(fitted.state_dict())
        assert torch.equal(again(z_hat, z, mask), fitted(z_hat, z, mask))
    inner = Sinkhorn(pt="log")
    WeightedSum({"a": {"weight": 1.0, "loss": inner}, "b": {"weight": 1.0, "loss": MSE()}}).fit_units(center, scale)
    assert torch.equal(inner.scale, scale[:3])


def test_configs_know_which_data_hold_constituents():
    jets = compose("train", ["model=graph_ae", "paths.run=run"]).model.loss
    events = compose("train", ["model=td_ae", "loss=chamfer", "paths.run=run"]).model.loss
    built = instantiate({"_target_": jets._target_, "pt": jets.pt, "momentum": jets.momentum})
    assert isinstance(built, PointCloudLoss)
    assert (jets.pt, events.pt) == ("log", None)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Chamfer(pt="ln"), "pt=ln; allowed: null, log, share"),
        (lambda: Chamfer(momentum=-1.0), "momentum=-1.0"),
        (lambda: Sinkhorn(epsilon=0.0), "epsilon=0.0"),
        (lambda: Sinkhorn(iterations=0), "iterations=0"),
        (lambda: Chamfer(pt="log").fit_units(torch.zeros(2), torch.ones(2)), "at least three columns"),
    ],
)
def test_what_makes_no_loss_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
