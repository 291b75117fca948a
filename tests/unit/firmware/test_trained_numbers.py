"""Models trained in fixed-point numbers: they learn, and score to the bit what their firmware does."""

import copy

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch, take_rows
from hepad.core.errors import UserError
from hepad.firmware.fixed_point import FixedPoint
from hepad.firmware.folding import as_given, trained_numbers
from hepad.firmware.layers import Dense
from hepad.models import AnomalyModel, Distilled, VariationalAutoencoder
from hepad.nn.fixed_point import FixedPointForward, nearest
from hepad.nn.folding import FoldedLayer

MSE = {"_target_": "hepad.losses.MSE"}
FEW = {"bits": 5, "input_bits": 8, "score_bits": 9, "headroom": 0}


def entries(shape: tuple[int, ...], n: int = 600) -> Batch:
    size = torch.tensor([300.0, 2.0, 0.01])[: shape[-1]] if len(shape) < 3 else 5.0
    x = torch.randn(n, *shape) * size + 0.7 * size
    mask = None
    if len(shape) == 2:
        mask = torch.arange(shape[0]).expand(n, -1) < torch.randint(0, shape[0] + 1, (n, 1))
        x = torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x))
    first = x.mean(dim=(1, 2, 3)) if len(shape) == 3 else (x / size)[..., 0]
    first = first.amax(dim=1) if len(shape) == 2 else first
    return Batch(x, mask, target=30 * first - 7)


def trained(model: AnomalyModel, batch: Batch, steps: int) -> tuple[float, float]:
    """Train, and return the mean loss before and after."""
    model.prepare(batch)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)

    def loss(part: Batch) -> torch.Tensor:
        if isinstance(model, Distilled):
            return model.losses(part).mean()
        assert isinstance(model, VariationalAutoencoder)
        z = model.normalizer(part.x, part.mask)
        mean, log_variance = model.encode_entries(part, z)
        return model._objective(part, z, mean, log_variance, torch.zeros_like(mean))[0].mean()

    with torch.no_grad():
        before = float(loss(batch))
    model.train()
    for step in range(steps):
        optimizer.zero_grad()
        loss(take_rows(batch, slice(step % 3 * 200, step % 3 * 200 + 200))).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return before, float(loss(batch))


@pytest.mark.parametrize(
    ("kind", "shape", "settings"),
    [
        (VariationalAutoencoder, (3,), {"score": "mu2", "latent": 2}),
        (Distilled, (4, 3), {"phi": [16, 8], "rho": [8]}),
        pytest.param(Distilled, (4, 3), {"network": "dense"}, marks=pytest.mark.thorough),
        pytest.param(Distilled, (3,), {"normalizer": "robust"}, marks=pytest.mark.thorough),
        pytest.param(Distilled, (3,), {"normalizer": "none"}, marks=pytest.mark.thorough),
        (Distilled, (2, 7, 6), {"filters": 3, "hidden": [4]}),
    ],
)
def test_what_is_trained_is_what_firmware_computes(kind: type, shape: tuple[int, ...], settings: dict) -> None:
    torch.manual_seed(3)
    model, batch = kind(shape, loss=MSE, **FEW, **settings), entries(shape)
    before, after = trained(model, batch, 60)
    assert after < 0.8 * before
    # Far beyond what was trained on as well, where numbers saturate.
    x = torch.cat([batch.x, 4 * batch.x])
    mask = None if batch.mask is None else torch.cat([batch.mask, batch.mask])
    with torch.no_grad():
        scores = model.anomaly_score(Batch(x, mask)).double().numpy()
    found = trained_numbers(model)
    assert found is not None
    np.testing.assert_array_equal(scores, found.score(as_given(model, x, mask)))
    assert len(np.unique(scores)) > 20
    widths = [(w.width, b.width) for w, b in zip(found.weights, found.biases, strict=True) if w and b]
    assert set(widths) == {(5, 9)}
    assert (found.results[0].width, found.score_format.width) == (8, 9)  # type: ignore[union-attr]


def test_a_state_holds_its_numbers() -> None:
    torch.manual_seed(4)
    batch = entries((3,))
    model = Distilled((3,), loss=MSE, **FEW)
    trained(model, batch, 20)
    other = Distilled((3,), loss=MSE, **FEW)
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    with torch.no_grad():
        torch.testing.assert_close(other.anomaly_score(batch), model.anomaly_score(batch), rtol=0, atol=0)
    # Scoring moves no binary point, however far an entry is.
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        model.anomaly_score(Batch(1e6 * batch.x))
    assert all(torch.equal(part, before[name]) for name, part in model.state_dict().items())


def test_numbers_are_those_of_firmware_and_gradients_stop_where_they_saturate() -> None:
    x = torch.linspace(-5, 5, 4001, dtype=torch.float64, requires_grad=True)
    for width, integer in ((2, 1), (5, 3), (12, 2)):
        reach = torch.tensor(2.0 ** (integer - 1), dtype=torch.float64)
        y = nearest(x, width, reach)
        expected = FixedPoint(width, integer)
        np.testing.assert_array_equal(y.detach().numpy(), expected.nearest(x.detach().numpy()))
        (gradient,) = torch.autograd.grad(y.sum(), x)
        inside = (x.detach() > -reach) & (x.detach() < expected.largest)
        beyond = (x.detach() < -reach) | (x.detach() > expected.largest)
        assert (gradient[inside] == 1).all()
        assert (gradient[beyond] == 0).all()


def test_binary_points_follow_the_largest_results_and_forget_them_slowly() -> None:
    one = torch.ones(1, dtype=torch.float64)
    layers = [FoldedLayer("shift", one), FoldedLayer("dense", one.view(1, 1), 0 * one)]
    network = FixedPointForward(layers, 1, bits=6, headroom=1)
    network(layers, 5 * one.view(1, 1))
    assert network.result_reach.tolist() == [16, 16]
    for _ in range(200):
        network(layers, one.view(1, 1))
    assert network.result_reach.tolist() == [16, 16]
    for _ in range(400):
        network(layers, one.view(1, 1))
    assert network.result_reach.tolist() == [8, 8]


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        (Distilled, {"activation": "elu"}, "activation=relu"),
        (Distilled, {"normalizer": "log"}, "allowed: standard, robust, none"),
        (Distilled, {"dropout": 0.1}, "model.dropout=0 is needed"),
        (Distilled, {"bits": 1}, "2 to 20"),
        (VariationalAutoencoder, {}, "model.score=mu2 does not"),
        (VariationalAutoencoder, {"score": "mu2", "activation": "tanh"}, "activation=relu"),
    ],
)
def test_what_has_no_fixed_point_form_is_refused(kind: type, settings: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        kind((3,), loss=MSE, **{"bits": 6, **settings})


def test_a_mean_over_slots_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.pool=max does not"):
        Distilled((4, 3), loss=MSE, pool="mean", bits=6)


def test_a_model_of_floats_has_no_numbers() -> None:
    model = Distilled((3,), loss=MSE)
    assert trained_numbers(model) is None
    model = Distilled((3,), loss=MSE, bits=6)
    model.precision = "bf16-mixed"
    with pytest.raises(UserError, match="rounds otherwise"):
        trained_numbers(model)


def test_biases_keep_the_bits_of_the_score() -> None:
    model, batch = Distilled((3,), loss=MSE, bits=3, score_bits=14), entries((3,))
    trained(model, batch, 5)
    found = trained_numbers(model)
    assert found is not None
    dense = found.network.layers[1]
    assert isinstance(dense, Dense)
    assert len(np.unique(dense.weight)) <= 8
    assert len(np.unique(dense.bias)) > 8
