"""Losses and networks as objects: written as class and arguments where that is them, held by the process where not."""

import pytest
import torch
from torch import nn

from hepad.config import held_objects
from hepad.config.registry import check_targets, get_class, instantiate
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.losses import MSE, ElementwiseLoss, Huber
from hepad.models import DenoisingAutoencoder, VariationalAutoencoder
from hepad.python.given_objects import object_configs


class Scaled(ElementwiseLoss):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale

    def elementwise(self, x_hat, x):
        return self.scale * (x_hat - x) ** 2


class Forgetful(ElementwiseLoss):
    def __init__(self, power):
        super().__init__()
        self.exponent = power

    def elementwise(self, x_hat, x):
        return (x_hat - x).abs() ** self.exponent


class Network(nn.Module):
    def __init__(self, encoded=2, latent=2):
        super().__init__()
        self.encoded, self.latent = encoded, latent
        self.encoder, self.decoder = nn.Linear(3, encoded), nn.Linear(latent, 3)


def loss_config(loss):
    return object_configs({"model.loss": loss})["model.loss"]


def test_a_loss_of_hepad_is_what_its_yaml_says():
    assert loss_config(Huber(delta=0.5)) == {"_target_": "hepad.losses.Huber", "delta": 0.5}
    assert loss_config(MSE) == {"_target_": "hepad.losses.MSE"}


def test_a_loss_of_ones_own_that_can_be_made_again():
    config = loss_config(Scaled(3.0))
    assert config == {"_target_": f"{__name__}.Scaled", "scale": 3.0}
    assert instantiate(config).scale == 3.0


def test_any_other_is_held_and_each_use_is_a_copy():
    given = Forgetful(4)
    config = loss_config(given)
    made = instantiate(config)
    assert type(made) is Forgetful
    assert (made.exponent, made is given) == (4, False)
    assert issubclass(get_class(config["_target_"]), Forgetful)
    assert loss_config(Forgetful(3)) != config


def test_another_process_is_told_that_it_lacks_the_object(monkeypatch):
    config = loss_config(Forgetful(2))
    monkeypatch.setattr(held_objects, "_held", {})
    with pytest.raises(UserError, match="Forgetful: the run was given an object that no config describes"):
        check_targets({"loss": config})
    own = loss_config(Scaled())
    monkeypatch.setattr(held_objects, "_trusted", set())
    with pytest.raises(UserError, match=r"Scaled' is not one of hepad's, .* export HEPAD_TRUST="):
        check_targets({"loss": own})


def test_a_network_takes_the_place_of_a_model_s_own():
    config = object_configs({"model.network": Network()})["model.network"]
    assert config == {"_target_": f"{__name__}.Network", "encoded": 2, "latent": 2}
    model = DenoisingAutoencoder((3,), {"_target_": "hepad.losses.MSE"}, network=config, latent=2).eval()
    batch = Batch(torch.randn(8, 3))
    model.prepare(batch)
    assert model.encode_batch(batch).shape == (8, 2)
    assert model.reconstruct_raw(batch).shape == (8, 3)
    assert model.hparams["network"] == config


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "model.loss",
            lambda x: x,
            r"model\.loss: the name of a loss, or a hepad\.losses\.Rec",
        ),
        ("model.loss", nn.MSELoss(), "not MSELoss"),
        ("model.loss", Forgetful, "Forgetful needs arguments"),
        ("model.network", 3.5, "torch.nn.Module is needed, not float"),
    ],
)
def test_objects_of_another_kind_are_refused(key, value, said):
    with pytest.raises(UserError, match=said):
        object_configs({key: value})


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (Network(encoded=2), r"encodes 2 numbers where the model needs 4; model\.latent=2"),
        (Network(encoded=4, latent=3), "cannot take entries of shape"),
        (nn.Linear(3, 3), "has neither encode and decode nor encoder and decoder"),
    ],
)
def test_networks_of_other_sizes_are_told(network, said):
    config = object_configs({"model.network": network})["model.network"]
    with pytest.raises(ValueError, match=said):
        VariationalAutoencoder((3,), {"_target_": "hepad.losses.MSE"}, network=config, latent=2)
