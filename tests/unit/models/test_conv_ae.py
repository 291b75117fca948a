"""The convolutional autoencoders: rotations, channels, E_T that is never negative."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.models import CicadaAutoencoder, ConvAutoencoder
from hepad.nn import NORMALIZERS

MSE = {"_target_": "hepad.losses.MSE"}
IMAGES = torch.empty(64, 1, 18, 14).exponential_(0.5, generator=torch.Generator().manual_seed(0)).floor()


def prepared(kind, shape=(1, 18, 14), x=IMAGES, **settings):
    torch.manual_seed(0)
    model = kind(entry_shape=shape, loss=settings.pop("loss", MSE), **settings)
    model.prepare(Batch(x=x))
    return model.eval()


def score(model, x):
    with torch.no_grad():
        return model.anomaly_score(Batch(x=x))


def test_the_reconstruction_does_not_see_even_rotations():
    model = prepared(ConvAutoencoder)
    with torch.no_grad():
        found = [model.reconstruct_raw(Batch(x=IMAGES.roll(shift, 2))) for shift in (0, 4, 10)]
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_on_the_ring_the_first_convolution_adds_up_to_the_same_for_every_rotation():
    """Without it images have a seam, and what lies on it counts for less."""
    moves = []
    for circular in (True, False):
        model = prepared(CicadaAutoencoder, circular=circular)
        scores = torch.stack(
            [model.network.encoder[0](model.normalizer(IMAGES.roll(s, 2))).sum((1, 2, 3)) for s in (0, 9)]
        )
        moves.append((scores[1] - scores[0]).abs().max().item())
    assert moves[0] < 1e-2 * moves[1]


@pytest.mark.parametrize("normalizer", [kind for kind in NORMALIZERS if kind != "layer"])
def test_cicadas_reconstruction_is_never_below_an_empty_pixel(normalizer):
    model = prepared(CicadaAutoencoder, normalizer=normalizer)
    with torch.no_grad():
        raw = model.reconstruct_raw(Batch(x=IMAGES))
    assert raw.min() > -1e-5
    assert (raw > 1e-4).any()


@pytest.mark.parametrize("kind", [ConvAutoencoder, CicadaAutoencoder])
def test_channels_have_scales_of_their_own(kind):
    x = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    scaled = x * torch.tensor([1.0, 1e3, 1e-3])[:, None, None]
    torch.testing.assert_close(
        score(prepared(kind, (3, 16, 16), scaled), scaled),
        score(prepared(kind, (3, 16, 16), x), x),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("loss", ["MSE", "SSIM", "NCC"])
@pytest.mark.parametrize("kind", [ConvAutoencoder, CicadaAutoencoder])
def test_loss_per_pixel_adds_up_to_the_score(kind, loss):
    model = prepared(kind, loss={"_target_": f"hepad.losses.{loss}"})
    with torch.no_grad():
        errors = model.loss_per_feature(Batch(x=IMAGES))
    assert errors.shape == (64, 18, 14)
    torch.testing.assert_close(errors.mean((1, 2)), score(model, IMAGES))


@pytest.mark.parametrize("kind", [ConvAutoencoder, CicadaAutoencoder])
def test_ssim_keeps_its_range_in_the_checkpoint(kind):
    loss = {"_target_": "hepad.losses.SSIM", "circular": True}
    model = prepared(kind, loss=loss)
    other = kind(entry_shape=(1, 18, 14), loss=loss)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(score(other, IMAGES), score(model, IMAGES))
    assert model.loss.data_range.item() == pytest.approx(
        ((IMAGES.max() - IMAGES.min()) / model.normalizer.scale).item(), rel=1e-5
    )
