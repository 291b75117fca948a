"""What can be searched, with which settings, and what is refused."""

import copy
from collections.abc import Iterator

import pytest
import torch
from tests.unit.inference.plain_search import (
    GAMMA_THETA,
    GAMMA_Z,
    LATENT,
    N_SEED,
    STEPS,
    entries,
    generator,
    search,
    trained,
)
from torch import Tensor, nn

from hepad.inference import LatentSearch, SearchSettings
from hepad.losses import MAE, MSE


def test_only_weights_that_an_entry_depends_on_are_copied() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Linear(24, LATENT)
            self.decoder = nn.Linear(LATENT, 24)

        def forward(self, code: Tensor) -> Tensor:
            return self.decoder(code)

    latent_search = LatentSearch(generator(Both()), SearchSettings(gamma_theta=1e-3))
    assert sorted(latent_search.weights) == ["decoder.bias", "decoder.weight"]


def test_slots_that_are_masked_do_not_count() -> None:
    network = trained("linear")
    x, start = entries(network, 3)
    mask = torch.tensor([[True, True, False, False], [True] * 4, [True, False, False, False]])
    settings = SearchSettings(N_SEED, STEPS, GAMMA_Z, GAMMA_THETA)
    latent_search = LatentSearch(generator(network), settings, dtype=torch.float64)
    before = latent_search(x, start, mask)
    changed = torch.where(mask.unsqueeze(-1), x, x + 5)
    torch.testing.assert_close(latent_search(changed, start, mask).trace, before.trace, rtol=0, atol=1e-12)


def test_any_loss_can_be_searched() -> None:
    network = trained("conv")
    x, start = entries(network, 2)
    settings = SearchSettings(N_SEED, STEPS, GAMMA_Z, 0)
    squared, absolute = (
        LatentSearch(generator(network), settings, loss, dtype=torch.float64)(x, start) for loss in (MSE(), MAE())
    )
    with torch.no_grad():
        x_hat = copy.deepcopy(network).eval()(absolute.code.flatten(0, 1))
    expected = (x_hat - x.repeat_interleave(N_SEED, dim=0)).abs().flatten(1).mean(dim=1).reshape(2, N_SEED)
    torch.testing.assert_close(absolute.losses, expected)
    assert not torch.allclose(absolute.losses, squared.losses)


def test_works_inside_inference_mode() -> None:
    """As in Lightning's test loop."""
    network = trained("linear")
    x, start = entries(network, 2)
    outside = search(network, x, start)
    with torch.inference_mode():
        inside = search(network, x.clone(), start.clone())
    assert torch.equal(inside.trace, outside.trace)


def test_gradients_are_laid_out_as_what_they_move() -> None:
    """Fused optimisers walk through memory; float32 linear layers give transposed gradients."""
    network = trained("linear", torch.float32)
    x, start = entries(network, 4, torch.float32)
    single = search(network, x, start)
    reference = search(copy.deepcopy(network).double(), x.double(), start.double())
    torch.testing.assert_close(single.losses.double(), reference.losses, rtol=1e-4, atol=1e-5)


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"memory=100 bytes; one entry with 3 restarts takes"):
        LatentSearch(generator(trained("conv", torch.float32)), SearchSettings(), memory=100)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": (4, 2, LATENT)}, r"start is \(4, 2, 5\); \(4, 3, 5\) is needed"),
        ({"start": (3, 3, LATENT)}, r"start is \(3, 3, 5\); \(4, 3, 5\) is needed"),
        ({"x": (4, 6, 4)}, r"x is \(4, 6, 4\); \(4, 4, 6\) is needed"),
        ({"mask": (4, 6)}, r"mask is \(4, 6\); \(4, 4\) is needed"),
    ],
)
def test_other_shapes_are_refused(changes: dict[str, tuple[int, ...]], message: str) -> None:
    latent_search = LatentSearch(generator(trained("linear", torch.float32)), SearchSettings(N_SEED, 1))
    given = {"x": torch.zeros(4, 4, 6), "start": torch.zeros(4, N_SEED, LATENT), "mask": torch.ones(4, 4) > 0}
    given |= {name: torch.ones(shape) for name, shape in changes.items()}
    for call in (latent_search, latent_search.search):
        with pytest.raises(ValueError, match=message):
            call(**given)


def test_no_entries_have_no_findings() -> None:
    latent_search = LatentSearch(generator(trained("linear", torch.float32)), SearchSettings(N_SEED, STEPS))
    found = latent_search(torch.zeros(0, 4, 6), torch.zeros(0, N_SEED, LATENT))
    one = latent_search(torch.zeros(1, 4, 6), torch.zeros(1, N_SEED, LATENT))
    assert found.scores("mean").shape == (0,)
    for field, other in zip(found, one, strict=True):
        assert field.shape == (0, *other.shape[1:])
        assert field.dtype == other.dtype


def test_memory_is_that_of_all_blocks_at_a_time(four_threads: None) -> None:
    network = generator(trained("linear", torch.float32))
    one = LatentSearch(network, SearchSettings(N_SEED, STEPS)).bytes_per_entry
    plenty = LatentSearch(network, SearchSettings(N_SEED, STEPS))
    assert plenty.n_threads == 4
    assert plenty.n_threads * plenty.block * one <= 2e9
    scarce = LatentSearch(network, SearchSettings(N_SEED, STEPS), memory=2.5 * plenty.block * one)
    assert (scarce.block, scarce.n_threads) == (plenty.block, 2)


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_warns_where_float32_cannot_follow() -> None:
    network = trained("conv", torch.float32)
    assert LatentSearch(generator(network), SearchSettings(gamma_theta=1e-3)).warning() is None
    assert LatentSearch(generator(network), SearchSettings(gamma_theta=0)).warning() is None
    latent_search = LatentSearch(generator(network), SearchSettings(gamma_theta=1e-10))
    warning = latent_search.warning()
    assert warning is not None
    assert "gamma_theta=1e-10 is below what float32 resolves" in warning
    x, start = entries(network, 2, torch.float32)
    by_far_most = 1 - sum((w.abs() < 1e-3).sum() for w in network.parameters()) / sum(
        w.numel() for w in network.parameters()
    )
    assert by_far_most > 0.9
    assert float(latent_search(x, start).moved.max()) < 1e-7


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"n_seed": 0}, "n_seed=0"),
        ({"steps": -1}, "steps=-1"),
        ({"gamma_z": -1.0}, "gamma_z=-1.0"),
        ({"gamma_theta": float("nan")}, "gamma_theta=nan"),
        ({"optimizer": "rmsprop"}, "allowed: adam, sgd"),
        ({"reduction": "median"}, "allowed: mean, min"),
        ({"tolerance": 1.0}, "tolerance=1.0"),
        ({"patience": 0}, "patience=0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SearchSettings(**values)  # type: ignore[arg-type]
