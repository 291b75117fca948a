"""Networks of volumes: the same layers as of images in three dimensions, with a ring where the data have one."""

import pytest
import torch
from torch import nn

from hepad.nn import encoder_decoder
from hepad.nn.adversarial import AdversarialNetworks
from hepad.nn.conv_ae import ConvAutoencoderNet
from hepad.nn.normalizer import InputNormalizer
from hepad.nn.phi_conv import PhiConv, PhiConvTranspose, PhiDoubling, PhiHalving
from hepad.nn.pooling import BlockMaximum, BlockMean

X = torch.randn(2, 3, 6, 8, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", [PhiConv, PhiConvTranspose])
def test_rotating_a_volume_around_its_ring_rotates_what_a_convolution_gives(kind) -> None:
    layer = kind(3, 4, 3, circular=True, axes=3)
    assert layer(X).shape[3] == 8
    torch.testing.assert_close(layer(X.roll(3, dims=3)), layer(X).roll(3, dims=3))
    # The other axes end where they end.
    for axis in (2, 4):
        assert not torch.allclose(layer(X.roll(1, dims=axis)), layer(X).roll(1, dims=axis))


@pytest.mark.parametrize(("kind", "step"), [(PhiHalving, 2), (PhiDoubling, 1)])
def test_halving_and_doubling_keep_the_ring(kind, step) -> None:
    layer = kind(3, 4, circular=True, axes=3)
    by = step * 2 if kind is PhiDoubling else step // 2
    found = layer(X)
    assert found.shape[2:] == torch.Size([n * 2 for n in X.shape[2:]] if kind is PhiDoubling else [3, 4, 2])
    torch.testing.assert_close(layer(X.roll(step, dims=3)), found.roll(by, dims=3))


def test_without_a_ring_a_convolution_is_that_of_pytorch() -> None:
    layer = PhiConv(3, 4, 3, circular=False, axes=3)
    plain = nn.Conv3d(3, 4, 3, padding=1)
    plain.load_state_dict(layer.conv.state_dict())
    torch.testing.assert_close(layer(X), plain(X))


def test_pools_are_those_of_pytorch() -> None:
    for size in ((6, 8, 4), (5, 7, 3)):
        x = torch.randn(2, 3, *size)
        torch.testing.assert_close(BlockMean()(x), nn.AvgPool3d(2, ceil_mode=True, count_include_pad=False)(x))
        torch.testing.assert_close(BlockMaximum()(x), nn.MaxPool3d(2)(x))


@pytest.mark.parametrize("shape", [(1, 7, 9, 10), (2, 45, 16, 9)])
@pytest.mark.parametrize("circular", [True, False])
def test_reconstructions_have_the_size_of_their_volumes(shape, circular) -> None:
    x = torch.randn(2, *shape)
    network = ConvAutoencoderNet(shape, 0.1, "relu", circular)
    assert network(x).shape == x.shape
    assert network.encoder(x).shape == (2, 32)
    both = encoder_decoder("auto", shape, 6, 6, None, "relu", 0.0, circular)
    assert both.decode(both.encode(x)).shape == x.shape
    made = AdversarialNetworks(shape, 5, None, None, "relu", circular).build_maker(with_encoder=True)
    assert made.generate(made.encode(x)).shape == x.shape


def test_a_volume_too_small_says_what_is_needed() -> None:
    with pytest.raises(ValueError, match="volumes of 6 × 10 × 10; at least 7 cells along each axis are needed"):
        ConvAutoencoderNet((1, 6, 10, 10), 0.1, "relu", circular=False)
    with pytest.raises(ValueError, match=r"network 'conv' cannot take entries of shape \(8, 17\)"):
        encoder_decoder("conv", (8, 17), 4, 4, None, "relu", 0.0, True)


def test_cells_of_a_channel_share_mean_and_spread() -> None:
    x = torch.rand(50, 2, 3, 4, 5) * torch.tensor([1.0, 30.0])[:, None, None, None]
    z = InputNormalizer("standard", (2, 3, 4, 5)).fit(x)(x)
    by_channel = z.movedim(1, 0).flatten(1)
    torch.testing.assert_close(by_channel.mean(dim=1), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(by_channel.std(dim=1), torch.ones(2), atol=1e-3, rtol=0)
    twice = InputNormalizer("standard", (2, 3, 4, 5)).fit(torch.cat([x[:25], x[:25], x[25:]]))
    weight = torch.where(torch.arange(50) < 25, 2.0, 1.0)
    weighted = InputNormalizer("standard", (2, 3, 4, 5)).fit(x, weight=weight)
    torch.testing.assert_close(weighted.center, twice.center)
    torch.testing.assert_close(weighted.scale, twice.scale)
