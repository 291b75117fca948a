"""The networks of the workshop and of CICADA: their layers, and sizes that come out exactly."""

import pytest
import torch
from torch import nn

from hepad.nn.cicada_ae import CicadaAutoencoderNet
from hepad.nn.conv_ae import ConvAutoencoderNet, MaximumOverImage


def layers_of(net: nn.Module) -> list[tuple[str, int, int, int]]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (type(m).__name__, m.in_channels, m.out_channels, m.kernel_size[0])
        for m in net.modules()
        if isinstance(m, kinds)
    ]


def test_the_workshops_network():
    net = ConvAutoencoderNet((5, 16, 16), dropout=0.2, activation="leaky_relu", circular=False, input_norm=True)
    assert layers_of(net) == [
        ("Conv2d", 5, 16, 7),
        ("Conv2d", 16, 32, 3),
        ("ConvTranspose2d", 8, 16, 5),
        ("ConvTranspose2d", 16, 32, 9),
        ("Conv2d", 32, 5, 5),
    ]
    dense = next(m for m in net.modules() if isinstance(m, nn.Linear))
    assert (dense.in_features, dense.out_features) == (32, 4 * 4 * 8)
    assert [type(m).__name__ for m in net.encoder] == [
        *("BatchNorm2d", "PhiConv", "LeakyReLU", "MaxPool2d", "Dropout2d"),
        *("PhiConv", "LeakyReLU", "MaximumOverImage", "Flatten"),
    ]


def test_cicadas_teacher():
    net = CicadaAutoencoderNet((1, 18, 14), latent=80, activation="relu", circular=False)
    assert layers_of(net) == [
        ("Conv2d", 1, 20, 3),
        ("Conv2d", 20, 30, 3),
        ("Conv2d", 30, 30, 3),
        ("Conv2d", 30, 20, 3),
        ("Conv2d", 20, 1, 3),
    ]
    dense = [(m.in_features, m.out_features) for m in net.modules() if isinstance(m, nn.Linear)]
    assert dense == [(9 * 7 * 30, 80), (80, 9 * 7 * 30)]


@pytest.mark.parametrize("shape", [(1, 18, 14), (5, 16, 16), (1, 40, 40), (3, 13, 13), (2, 17, 15)])
@pytest.mark.parametrize("circular", [True, False])
def test_an_image_of_any_size_comes_back_in_that_size(shape, circular):
    x = torch.randn(2, *shape)
    assert ConvAutoencoderNet(shape, 0.2, "leaky_relu", circular)(x).shape == x.shape
    assert CicadaAutoencoderNet(shape, 80, "relu", circular)(x).shape == x.shape


def test_too_small_an_image_is_refused():
    with pytest.raises(ValueError, match="at least 13 × 13"):
        ConvAutoencoderNet((1, 18, 12), 0.2, "relu", True)


def test_the_workshops_code_does_not_see_even_rotations():
    """Pooling halves the ring, so only rotations by an even number of rows pass exactly."""
    torch.manual_seed(0)
    net = ConvAutoencoderNet((1, 18, 14), 0.0, "leaky_relu", circular=True).eval()
    x = torch.randn(4, 1, 18, 14)
    torch.testing.assert_close(net.encoder(x.roll(6, 2)), net.encoder(x))
    assert not torch.allclose(net.encoder(x.roll(1, 2)), net.encoder(x))


def test_the_maximum_over_an_image_is_that_of_a_pooling_and_equal_pixels_share_its_gradient():
    x = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    pooled = nn.AdaptiveMaxPool2d(1)
    assert torch.equal(MaximumOverImage()(x), pooled(x))
    found, expected = (torch.autograd.grad(layer(x).square().sum(), x)[0] for layer in (MaximumOverImage(), pooled))
    assert torch.equal(found, expected)
    ties = torch.tensor([[[[1.0, 3.0], [3.0, 3.0]]]], requires_grad=True)
    MaximumOverImage()(ties).sum().backward()
    torch.testing.assert_close(ties.grad, torch.tensor([[[[0.0, 1 / 3], [1 / 3, 1 / 3]]]]))
