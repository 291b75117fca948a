"""Convolutions on a cylinder: rotating the input rotates the output, and η has borders."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hepad.nn.phi_conv import PhiConv, PhiConvTranspose

X = torch.randn(3, 2, 18, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("kind", [PhiConv, PhiConvTranspose])
def test_rotations_pass_through_exactly(kind, kernel):
    torch.manual_seed(1)
    layer = kind(2, 4, kernel, circular=True)
    for shift in (1, 7):
        torch.testing.assert_close(layer(X.roll(shift, 2)), layer(X).roll(shift, 2))


@pytest.mark.parametrize("circular", [True, False])
def test_a_convolution_keeps_the_size(circular):
    assert PhiConv(2, 4, 5, circular)(X).shape == (3, 4, 18, 6)


def test_a_transposed_convolution_grows_over_borders_only():
    assert PhiConvTranspose(2, 4, 5, circular=True)(X).shape == (3, 4, 18, 10)
    assert PhiConvTranspose(2, 4, 5, circular=False)(X).shape == (3, 4, 22, 10)


def test_without_the_ring_they_are_the_ordinary_ones():
    conv, up = PhiConv(2, 4, 5, circular=False), PhiConvTranspose(2, 4, 5, circular=False)
    torch.testing.assert_close(conv(X), F.conv2d(X, conv.conv.weight, conv.conv.bias, padding=2))
    torch.testing.assert_close(up(X), F.conv_transpose2d(X, up.conv.weight, up.conv.bias))


def test_on_the_ring_a_transposed_convolution_is_an_ordinary_one_wrapped_around():
    up = PhiConvTranspose(2, 4, 5, circular=True)
    long = F.conv_transpose2d(X, up.conv.weight)
    wrapped = long[:, :, :18].clone()
    wrapped[:, :, :4] += long[:, :, 18:]
    expected = wrapped.roll(-2, 2) + up.conv.bias[:, None, None]
    torch.testing.assert_close(up(X), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [PhiConv, PhiConvTranspose])
def test_an_even_kernel_is_refused(kind):
    with pytest.raises(ValueError, match="odd"):
        kind(2, 4, 4)


def test_the_seam_is_no_border():
    """With zero padding the same blob gives another answer at the seam; with the ring it does not."""
    blob = torch.zeros(1, 1, 18, 14)
    blob[0, 0, 8:11, 6:9] = 1
    for circular, same in ((True, True), (False, False)):
        torch.manual_seed(2)
        layers = nn.Sequential(PhiConv(1, 3, 5, circular), nn.ReLU(), PhiConv(3, 1, 5, circular))
        assert torch.allclose(layers(blob).sum(), layers(blob.roll(9, 2)).sum(), rtol=1e-5) is same
