"""The graph autoencoder: order, padding, few constituents, and what it learns of jets."""

import pytest
import torch

from hepad.core.batch import Batch, take_rows
from hepad.data import ConstituentsDataModule
from hepad.losses import MSE
from hepad.models import GraphAutoencoder

CHAMFER = {"_target_": "hepad.losses.Chamfer", "pt": "log", "momentum": 10.0}
SINKHORN = {"_target_": "hepad.losses.Sinkhorn", "pt": "log", "momentum": 1.0}
SLOTS = 12


def jets(seed: int = 0, n: int = 40) -> Batch:
    """Jets of 1 to 12 constituents, one of them of duplicates alone."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, SLOTS, 3, generator=generator) * torch.tensor([1.0, 0.2, 0.2]) + torch.tensor([2.0, 0.0, 0.0])
    counts = torch.randint(1, SLOTS + 1, (n,), generator=generator)
    counts[:3] = torch.tensor([1, 2, 6])
    x[2] = x[2, 0]
    mask = torch.arange(SLOTS) < counts.unsqueeze(1)
    return Batch(torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x)), mask)


def built(loss: dict[str, object], **settings: object) -> GraphAutoencoder:
    torch.manual_seed(0)
    model = GraphAutoencoder((SLOTS, 3), loss=loss, **{"neighbours": 4, "latent": 4, **settings})
    model.prepare(jets())
    return model


@pytest.mark.parametrize("neighbours", [1, 4, None])
@pytest.mark.parametrize("loss", [CHAMFER, SINKHORN], ids=["chamfer", "sinkhorn"])
def test_order_and_empty_slots_change_no_score(loss, neighbours):
    model, batch = built(loss, neighbours=neighbours), jets(1)
    scores = model.anomaly_score(batch).detach()
    assert scores.std() > 0
    order = torch.randperm(SLOTS, generator=torch.Generator().manual_seed(1))
    mixed = Batch(batch.x[:, order], batch.mask[:, order])
    torch.testing.assert_close(model.anomaly_score(mixed).detach(), scores, rtol=1e-4, atol=1e-5)
    noisy = batch._replace(x=torch.where(batch.mask.unsqueeze(-1), batch.x, torch.full_like(batch.x, 7.0)))
    assert torch.equal(model.anomaly_score(noisy), scores)


@pytest.mark.parametrize("loss", [CHAMFER, SINKHORN], ids=["chamfer", "sinkhorn"])
def test_gradients_are_finite_whatever_the_constituents(loss):
    model, batch = built(loss).train(), jets(2)
    model.losses(batch).mean().backward()
    assert all(torch.isfinite(weights.grad).all() for weights in model.parameters())
    for row in range(3):
        model.zero_grad()
        model.losses(take_rows(batch, slice(row, row + 1))).mean().backward()
        assert all(torch.isfinite(weights.grad).all() for weights in model.parameters())
        assert any(weights.grad.any() for weights in model.parameters())


def test_a_jet_without_constituents_has_loss_0():
    batch = jets(3)
    batch.mask[0] = False
    assert built(CHAMFER).anomaly_score(batch)[0] == 0


def test_a_reconstruction_fills_the_slots_of_its_jet_by_falling_pt():
    model, batch = built(CHAMFER), jets(4)
    with torch.no_grad():
        found = model.reconstruct_raw(batch)
        z = model.normalizer(batch.x, batch.mask)
        objects = model.normalizer.inverse(model.reconstruct(z, batch.mask))
    assert (found[~batch.mask] == 0).all()
    for made, drawn, real in zip(found, objects, batch.mask, strict=True):
        torch.testing.assert_close(made[real], drawn[real][drawn[real, 0].argsort(descending=True)])


def test_the_parts_of_the_score_are_the_terms_of_the_loss():
    model, batch = built(CHAMFER), jets(5)
    parts = model.score_parts(batch)
    assert set(parts) == {"distance", "momentum"}
    torch.testing.assert_close(parts["distance"] + parts["momentum"], model.anomaly_score(batch))
    assert built({"_target_": "hepad.losses.Chamfer"}).score_parts(batch) == {}
    mse = built({"_target_": "hepad.losses.MSE"})
    assert isinstance(mse.loss, MSE)
    assert mse.score_parts(batch) == {}


@pytest.mark.parametrize("loss", [CHAMFER, SINKHORN], ids=["chamfer", "sinkhorn"])
def test_it_learns_to_draw_jets(loss):
    data = ConstituentsDataModule(samples={"top_jets": None}, background="qcd_jets", n_constituents=12, limit=150)
    data.setup()
    torch.manual_seed(0)
    model = GraphAutoencoder(data.entry_shape, loss=loss, hidden=[16], decoder=[64])
    batch = data.train_entries.batch
    model.prepare(batch)
    before = model.losses(data.val_entries.batch).mean().item()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        model.losses(batch).mean().backward()
        optimizer.step()
    assert model.losses(data.val_entries.batch).mean().item() < 0.5 * before


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"hidden": []}, "hidden"), ({"neighbours": 0}, "neighbours=0"), ({"decoder": [0]}, "layers=")],
)
def test_sizes_that_make_no_network_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        built(CHAMFER, **settings)
