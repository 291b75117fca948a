"""Widths that follow the number of features, and a remark where a code leaves nothing to choose."""

import pytest

import hepad.models

MSE = {"_target_": "hepad.losses.MSE"}


def width_of_code(model: str, entry_shape: list[int], **settings) -> int:
    made = getattr(hepad.models, model)(entry_shape=entry_shape, loss=MSE, **settings)
    return made.latent_network().latent_shape[-1]


@pytest.mark.parametrize(
    ("model", "expected"),
    [("DenseAutoencoder", (8, 2, 20)), ("VariationalAutoencoder", (4, 1, 10)), ("DenoisingAutoencoder", (8, 2, 20))],
)
def test_the_code_follows_the_number_of_features(model, expected):
    assert tuple(width_of_code(model, [n]) for n in (17, 5, 40)) == expected


@pytest.mark.parametrize("model", ["TimeDistributedAutoencoder", "DenoisingAutoencoder", "VariationalAutoencoder"])
def test_the_code_of_a_slot_follows_the_features_of_a_slot(model):
    jets = model.replace("TimeDistributed", "Dense")
    for n in (17, 5, 40):
        assert width_of_code(model, [6, n]) == width_of_code(jets, [n])


def test_codes_of_whole_events_and_images_do_not_grow_with_them():
    assert width_of_code("DenoisingAutoencoder", [8, 17], network="dense") == 8
    assert width_of_code("VariationalAutoencoder", [1, 40, 40]) == 4


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("DenseAutoencoder", {"latent": 8}, "nothing keeps the network from copying"),
        ("DenseAutoencoder", {"latent": 5}, "the code of 5 is as wide as the 5 numbers"),
        ("DenseAutoencoder", {"latent": 4}, None),
        ("DenseAutoencoder", {}, None),
        ("VariationalAutoencoder", {"latent": 5}, "only KL (model.beta=1) keeps"),
        ("VariationalAutoencoder", {"latent": 5, "beta": 0.0}, "nothing keeps"),
        ("DenoisingAutoencoder", {"latent": 5}, "only noise (model.noise=0.3) keeps"),
        ("DenoisingAutoencoder", {"latent": 5, "noise": 0.0}, "nothing keeps"),
        ("SparseAutoencoder", {"latent": 50}, None),
    ],
)
def test_a_code_as_wide_as_the_entry_is_remarked_on(model, settings, said):
    remarks = getattr(hepad.models, model)(entry_shape=[5], loss=MSE, **settings).remarks()
    assert (said in remarks[0]) if said else not remarks


def test_a_code_as_wide_as_a_slot_is_remarked_on_and_one_as_wide_as_an_image():
    made = hepad.models.TimeDistributedAutoencoder([8, 5], MSE, latent=8)
    assert "as wide as the 5 numbers" in made.remarks()[0]
    assert not hepad.models.TimeDistributedAutoencoder([8, 5], MSE).remarks()
    assert "as wide as the 64 numbers" in hepad.models.CicadaAutoencoder([1, 8, 8], MSE).remarks()[0]
