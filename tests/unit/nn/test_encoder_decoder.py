"""Encoders and decoders: shapes, sharing between slots, the ring in φ."""

import pytest
import torch

from hepad.nn import encoder_decoder


def build(network, shape, encoded=6, latent=3, hidden=None, circular=True):
    torch.manual_seed(0)
    return encoder_decoder(network, shape, encoded, latent, hidden, "relu", 0.0, circular).eval()


@pytest.mark.parametrize(
    ("network", "shape", "slots"),
    [
        ("dense", (17,), ()),
        ("dense", (8, 17), ()),
        ("dense", (1, 18, 14), ()),
        ("time_distributed", (8, 17), (8,)),
        ("conv", (1, 18, 14), ()),
        ("conv", (5, 16, 16), ()),
        ("conv", (1, 40, 40), ()),
        ("conv", (1, 3, 5), ()),
        ("conv", (3, 72, 58), ()),
    ],
)
def test_shapes(network, shape, slots):
    pair = build(network, shape)
    z = torch.randn(4, *shape)
    assert pair.encode(z).shape == (4, *slots, 6)
    assert pair.decode(torch.randn(4, *slots, 3)).shape == z.shape


@pytest.mark.parametrize(("shape", "kind"), [((17,), "dense"), ((8, 17), "time_distributed"), ((1, 18, 14), "conv")])
def test_auto_goes_by_the_shape(shape, kind):
    assert type(build("auto", shape)) is type(build(kind, shape))


@pytest.mark.parametrize(
    ("shape", "widths", "smallest"),
    [
        ((1, 18, 14), [16, 32], (5, 4)),
        ((1, 40, 40), [16, 32, 64, 128], (3, 3)),
        ((4, 64, 64), [16, 32, 64, 128], (4, 4)),
    ],
)
def test_convolutions_are_as_deep_as_the_image_is_large(shape, widths, smallest):
    pair = build("conv", shape)
    assert [stage[0].conv.out_channels for stage in pair.down] == widths
    assert pair.smallest == (widths[-1], *smallest)


def test_every_slot_has_the_same_network():
    pair, z = build("time_distributed", (8, 17)), torch.randn(5, 8, 17)
    one = torch.stack([pair.encode(z[:, i : i + 1])[:, 0] for i in range(8)], dim=1)
    torch.testing.assert_close(pair.encode(z), one)


def test_hidden_widths_are_mirrored():
    pair = build("dense", (17,), hidden=[13, 11])
    widths = [tuple(weight.shape[::-1]) for weight in pair.parameters() if weight.ndim == 2]
    assert widths == [(17, 13), (13, 11), (11, 6), (3, 11), (11, 13), (13, 17)]


@pytest.mark.parametrize("circular", [True, False])
def test_convolutions_see_a_ring_in_phi_where_there_is_one(circular):
    pair, z = build("conv", (1, 16, 8), circular=circular), torch.randn(4, 1, 16, 8)
    features = [z, z.roll(4, dims=2)]
    for stage in pair.down:
        features = [stage(image) for image in features]
    # Two halvings: a rotation by four regions is one by one cell, seam or no seam.
    rotated = features[0].roll(1, dims=2)
    # The seam of images without a ring is a border, which two convolutions carry into the next cell.
    assert torch.equal(features[1], rotated) is circular
    torch.testing.assert_close(features[1][:, :, 2:3], rotated[:, :, 2:3])


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"latent": 0}, "latent"), ({"hidden": [0]}, "hidden")],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        build("dense", (17,), **settings)
