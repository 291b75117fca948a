"""A folded network says what its model says: the normaliser, the mask and the units of the target are inside."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.firmware.folding import as_given, fold
from hepad.models import AnomalyModel, DenseAutoencoder, Distilled, VariationalAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


def entries(shape: tuple[int, ...], n: int = 200) -> Batch:
    """Entries of features of different sizes; of events some slots are empty, and one event is."""
    size = torch.tensor([300.0, 2.0, 0.01, 40.0, 1.0])[: shape[-1]] if len(shape) < 3 else 5.0
    x = torch.randn(n, *shape) * size + 0.7 * size
    mask = None
    if len(shape) == 2:
        mask = torch.arange(shape[0]).expand(n, -1) < torch.randint(0, shape[0] + 1, (n, 1))
        mask[0] = False
        x = torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x))
    return Batch(x, mask, target=torch.rand(n) * 30 - 7)


def student(shape: tuple[int, ...], **settings: object) -> tuple[AnomalyModel, Batch]:
    batch = entries(shape)
    model = Distilled(shape, loss=MSE, **settings)  # type: ignore[arg-type]
    model.prepare(batch)
    return model.eval(), batch


def encoder(shape: tuple[int, ...], **settings: object) -> tuple[AnomalyModel, Batch]:
    batch = entries(shape)
    model = VariationalAutoencoder(shape, loss=MSE, score="mu2", network="dense", hidden=[7], **settings)  # type: ignore[arg-type]
    model.prepare(batch)
    return model.eval(), batch


@pytest.mark.parametrize(
    ("made", "shape", "settings"),
    [
        (student, (5,), {"hidden": [8, 6], "dropout": 0.3}),
        (student, (5,), {"normalizer": "robust"}),
        (student, (5,), {"normalizer": "none"}),
        (student, (4, 5), {"phi": [6, 5, 4], "rho": [3]}),
        (student, (4, 5), {"phi": [6], "rho": [], "normalizer": "robust"}),
        (student, (4, 5), {"network": "dense"}),
        (student, (2, 7, 6), {"filters": 3}),
        (student, (2, 7, 6), {"network": "dense"}),
        (encoder, (5,), {}),
        (encoder, (4, 5), {"latent": 3}),
        (encoder, (2, 7, 6), {}),
    ],
)
def test_a_folded_network_scores_as_its_model(made: object, shape: tuple[int, ...], settings: dict) -> None:
    model, batch = made(shape, **settings)  # type: ignore[operator]
    with torch.no_grad():
        expected = model.double().score_batch(Batch(batch.x.double(), batch.mask)).numpy()
    network = fold(model)
    x = as_given(model, batch.x, batch.mask)
    assert x.shape[1:] == network.input_shape
    np.testing.assert_allclose(network.score(x), expected, rtol=1e-9, atol=1e-9)


def test_what_empty_slots_hold_is_of_no_matter() -> None:
    model, batch = student((4, 5))
    assert batch.mask is not None
    noisy = torch.where(batch.mask.unsqueeze(-1), batch.x, torch.full_like(batch.x, 99.0))
    np.testing.assert_array_equal(as_given(model, noisy, batch.mask), as_given(model, batch.x, batch.mask))


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (lambda: DenseAutoencoder((5,), loss=MSE), r"DenseAutoencoder cannot be firmware; a student .*model=distilled"),
        (lambda: VariationalAutoencoder((5,), loss=MSE), r"model\.score=elbo needs .*model\.score=mu2"),
        (lambda: VariationalAutoencoder((4, 5), loss=MSE, score="mu2"), r"only model\.network=dense"),
        (lambda: Distilled((4, 5), loss=MSE, pool="mean"), r"model\.pool=mean .*model\.pool=max"),
        (lambda: Distilled((5,), loss=MSE, activation="tanh"), r"Tanh has no .*model\.activation=relu"),
        (lambda: Distilled((1, 6, 6), loss=MSE, activation="elu"), r"ELU has no .*model\.activation=relu"),
        (lambda: Distilled((5,), loss=MSE, normalizer="log"), r"model\.normalizer=log .*standard, robust, none"),
    ],
)
def test_what_cannot_be_firmware_is_refused_by_name_with_what_can(model: object, told: str) -> None:
    with pytest.raises(UserError, match=told):
        fold(model())  # type: ignore[operator]


def test_half_precision_is_told_with_what_can() -> None:
    model = Distilled((5,), loss=MSE)
    model.precision = "bf16-mixed"
    with pytest.raises(UserError, match=r"trainer\.precision=bf16-mixed rounds otherwise"):
        fold(model)
