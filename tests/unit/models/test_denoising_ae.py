"""The denoising autoencoder: noise goes in, the clean entry is the target."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.models import DenoisingAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


def build(shape=(17,), **settings) -> DenoisingAutoencoder:
    torch.manual_seed(0)
    model = DenoisingAutoencoder(shape, MSE, **settings)
    model.prepare(Batch(torch.randn(500, *shape) * 20 + 3))
    model.log = lambda *_, **__: None
    return model


def test_the_network_sees_noise_and_the_target_is_clean(monkeypatch):
    model, x = build(), torch.randn(64, 17) * 20
    z = model.normalizer(x)
    seen, compared = [], []
    monkeypatch.setattr(model, "reconstruct", lambda noisy, mask=None: seen.append(noisy) or noisy)
    model.loss.register_forward_pre_hook(lambda _, values: compared.append(values))
    model.training_step(Batch(x), 0)
    assert not torch.equal(seen[0], z)
    assert (seen[0] - z).std().item() == pytest.approx(0.3, rel=0.1)
    assert torch.equal(compared[0][0], seen[0])
    assert torch.equal(compared[0][1], z)


def test_dropout_sets_elements_to_zero_and_leaves_the_others():
    model, z = build(corruption="dropout", noise=0.25), torch.randn(4000, 17)
    noisy = model.corrupt(z)
    dropped = noisy == 0
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert torch.equal(noisy[~dropped], z[~dropped])


@pytest.mark.parametrize("corruption", ["gaussian", "dropout"])
def test_empty_slots_stay_empty(corruption):
    model, mask = build((8, 17), corruption=corruption), torch.rand(50, 8) < 0.5
    z = model.normalizer(torch.randn(50, 8, 17), mask)
    assert (model.corrupt(z, mask)[~mask] == 0).all()


@pytest.mark.parametrize("shape", [(17,), (8, 17), (1, 18, 14)])
def test_scores_hold_no_noise(shape):
    model = build(shape, noise=2.0)
    batch = Batch(torch.randn(30, *shape) * 20, torch.rand(30, 8) < 0.5 if len(shape) == 2 else None)
    with torch.no_grad():
        assert torch.equal(model.anomaly_score(batch), model.anomaly_score(batch))


def test_it_learns_to_undo_noise():
    model = build(noise=0.5, latent=4, hidden=[32])
    x = torch.randn(4000, 2) @ torch.randn(2, 17) * 20
    model.prepare(Batch(x))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        model.training_step(Batch(x[torch.randint(0, 4000, (256,))]), 0).backward()
        optimizer.step()
    with torch.no_grad():
        z = model.normalizer(x)
        cleaned = model.reconstruct(model.corrupt(z))
    # Noise spreads over 17 features, the entries over 2: most of it can be taken away.
    assert (cleaned - z).square().mean() < 0.3 * 0.5**2


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"corruption": "salt"}, "gaussian, dropout"), ({"corruption": "dropout", "noise": 1.0}, "less than 1")],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        build(**settings)
