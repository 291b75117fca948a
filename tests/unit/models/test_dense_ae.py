"""The dense autoencoder, and what every model promises."""

import numpy as np
import pytest
import torch
from torch import nn

from hepad.core.batch import Batch
from hepad.models import DenseAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = DenseAutoencoder(entry_shape=[17], loss=MSE)
    model.normalizer.fit(torch.randn(500, 17) * 30 + 5)
    for _ in range(3):  # give the batch norms statistics that differ from the batch's
        model.network(torch.randn(64, 17) * 3 + 1)
    return model


def score(model, x):
    with torch.no_grad():
        return model.anomaly_score(Batch(x=x))


def test_the_network_is_the_workshops():
    network = DenseAutoencoder([17], MSE, normalizer="none").network
    layers = [*network.encoder, *network.decoder]
    widths = [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)]
    assert widths == [(17, 16), (16, 8), (8, 16), (16, 17)]
    assert [type(layer).__name__ for layer in layers] == [
        *("BatchNorm1d", "Linear", "ReLU", "BatchNorm1d", "Dropout", "Linear", "ReLU"),
        *("BatchNorm1d", "Linear", "ReLU", "BatchNorm1d", "Linear"),
    ]


def test_a_normaliser_stands_in_for_the_first_batch_norm():
    assert isinstance(DenseAutoencoder([17], MSE, normalizer="standard").network.encoder[0], nn.Linear)


def test_permuting_and_splitting_entries_permutes_scores_and_changes_nothing_else(model):
    x = torch.randn(101, 17) * 30
    together = score(model, x)
    order = torch.randperm(101)
    torch.testing.assert_close(score(model, x[order]), together[order])
    torch.testing.assert_close(torch.cat([score(model, part) for part in x.split(7)]), together)
    torch.testing.assert_close(score(model, x[:1]), together[:1])


def test_scoring_is_in_eval_mode_whatever_the_mode_was(model):
    x = torch.randn(64, 17) * 30
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    in_train_mode = score(model, x)
    assert model.training
    assert all(part.training for part in model.network.modules())
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], msg=name)
    model.eval()
    torch.testing.assert_close(score(model, x), in_train_mode)


def test_score_is_the_loss_of_the_reconstruction(model):
    x = torch.randn(5, 17) * 30
    model.eval()
    with torch.no_grad():
        raw = model.reconstruct_raw(Batch(x=x))
        z_hat, z = model.normalizer(raw), model.normalizer(x)
    torch.testing.assert_close(score(model, x), (z_hat - z).square().mean(dim=1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.loss_per_feature(Batch(x=x)).mean(dim=1), score(model, x))


def test_a_checkpoint_alone_scores_raw_data(model, tmp_path):
    from lightning import Trainer

    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    content = torch.load(tmp_path / "model.ckpt", weights_only=True)
    assert content["hyper_parameters"]["loss"] == MSE
    back = DenseAutoencoder.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    x = torch.randn(20, 17) * 30
    torch.testing.assert_close(score(back, x), score(model, x))


def test_a_checkpoint_cannot_name_foreign_code():
    with pytest.raises(ValueError, match=r"os\.system"):
        DenseAutoencoder([17], {"_target_": "os.system", "command": "true"})


def test_training_learns_to_reconstruct():
    torch.manual_seed(1)
    code = torch.randn(2000, 3)
    x = code @ torch.randn(3, 17) * 20 + 7
    model = DenseAutoencoder([17], MSE, dropout=0.0)
    model.normalizer.fit(x)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    z = model.normalizer(x)
    for _ in range(800):  # batch norm follows the last hundred steps
        optimizer.zero_grad()
        model.loss(model.reconstruct(z), z).mean().backward()
        optimizer.step()
    assert score(model, x).mean() < 0.1
    strange = torch.tensor(np.random.default_rng(0).normal(size=(200, 17)) * 40, dtype=torch.float32)
    assert score(model, strange).median() > 10 * score(model, x).median()
