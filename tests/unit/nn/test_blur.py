"""Values of blurred pixels, back at the pixels that they are made of."""

import pytest
import torch

from hepad.core.batch import Batch
from hepad.models import NormalizedAutoencoder, explain_scores
from hepad.nn.blur import GaussianBlur


@pytest.mark.parametrize("circular", [False, True])
def test_shares_are_those_of_each_pixel_in_each_sum(circular: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    blur = GaussianBlur(0.8, circular)
    x = torch.randn(1, 1, 7, 6, generator=generator).double()
    x[..., 2:4] = 0
    values = torch.rand(1, 1, 7, 6, generator=generator).double()
    # Row i: what a 1 in pixel i gives to each.
    kernel = torch.stack([blur(unit.reshape(1, 1, 7, 6)).flatten() for unit in torch.eye(42).double()])
    parts = kernel * x.abs().flatten()[:, None]
    expected = (parts / parts.sum(dim=0) * values.flatten()).sum(dim=1).reshape(x.shape)
    torch.testing.assert_close(blur.back_to_sources(values, x), expected)


def test_a_value_without_a_source_stays() -> None:
    blur, values, x = GaussianBlur(0.5), torch.rand(1, 1, 9, 9), torch.zeros(1, 1, 9, 9)
    torch.testing.assert_close(blur.back_to_sources(values, x), values)
    x[..., 4, 4] = -2.0
    found = blur.back_to_sources(values, x)
    assert float(found.sum()) == pytest.approx(float(values.sum()))
    assert float(found[..., 4, 4].item()) == pytest.approx(float(values[..., 2:7, 2:7].sum()))


def test_a_blurred_image_is_explained_by_its_own_pixels() -> None:
    torch.manual_seed(0)
    model = NormalizedAutoencoder((1, 12, 12), latent=2, hidden=[8], network="dense", blur=0.1).eval()
    images = torch.zeros(80, 1, 12, 12)
    images[..., 3:9, 3:9] = torch.rand(80, 1, 6, 6)
    model.prepare(Batch(images))
    # Pixels on a lattice, in whose midst only the blurred image is not 0.
    sparse = images * (torch.arange(144).reshape(12, 12) % 3 == 0)
    place = torch.randint(144, (80,))
    sparse.view(80, 144)[torch.arange(80), place] += 20.0
    found = explain_scores(model, Batch(sparse))
    assert found.method == "terms"
    assert float((found.remainder.abs() / found.score).max()) < 1e-6
    assert bool((found.values.flatten(1).argmax(dim=1) == place).float().mean() >= 0.95)
    near = model.view(Batch(sparse)).x > 0
    assert not found.values[near & (sparse == 0)].any()
