"""What is made faster where the weights are fixed, against what it stands for."""

import copy

import pytest
import torch
from tests.unit.inference.plain_search import (
    GAMMA_Z,
    LATENT,
    N_SEED,
    NETWORKS,
    STEPS,
    entries,
    generator,
    plain_search,
    trained,
)
from torch import Tensor, nn

from hepad.inference import LatentSearch, SearchSettings
from hepad.inference.descent import Descent
from hepad.inference.frozen import folded
from hepad.losses import MAE, MSE, NCC, SSIM, ReconstructionLoss

CODE = torch.zeros(1, LATENT, dtype=torch.float64)
SETTINGS = SearchSettings(N_SEED, STEPS, GAMMA_Z, gamma_theta=0)


def norms(network: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) for part in network.modules())


def in_eval(name: str) -> nn.Module:
    return copy.deepcopy(trained(name)).eval().requires_grad_(False)


def before_activations() -> nn.Module:
    """Norms after a linear layer, a grouped convolution, a transposed one, and one that nothing stands before."""
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.BatchNorm1d(LATENT),
        nn.Linear(LATENT, 24, bias=False),
        nn.Unflatten(1, (4, 3, 2)),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(),
        nn.Conv2d(4, 6, 3, padding=1, groups=2),
        nn.BatchNorm2d(6),
        nn.ConvTranspose2d(6, 5, 4, 2, 1),
        nn.BatchNorm2d(5, affine=False),
    ).double()
    for _ in range(9):
        network(torch.randn(50, LATENT, dtype=torch.float64) * 2 + 1)
    return network.eval().requires_grad_(False)


def test_norms_are_taken_into_the_layers_before_them() -> None:
    network = before_activations()
    shorter = folded(network, CODE)
    assert (norms(network), norms(shorter)) == (4, 1)
    z = torch.randn(7, LATENT, dtype=torch.float64)
    torch.testing.assert_close(shorter(z), network(z), rtol=0, atol=1e-12)


def test_a_layer_with_two_norms_is_left_alone() -> None:
    layer = nn.Linear(LATENT, LATENT)
    network = nn.Sequential(layer, nn.BatchNorm1d(LATENT), nn.Tanh(), layer, nn.BatchNorm1d(LATENT)).double()
    for _ in range(9):
        network(torch.randn(50, LATENT, dtype=torch.float64) * 2 + 1)
    network.eval()
    assert folded(network, CODE) is network


@pytest.mark.parametrize("loss", [MSE(), MAE(), NCC(), SSIM(window=3, data_range=2.0)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_recording_gives_losses_entries_and_gradients(name: str, loss: ReconstructionLoss) -> None:
    network, image = in_eval(name), name == "conv"
    if loss.structures is not None and not image:
        network = nn.Sequential(network, nn.Unflatten(1, (1, 4)))
    loss = loss.double()
    x, start = entries(network, 6)
    descent = Descent(network, loss)
    code = start.flatten(0, 1)
    expected = descent(code, x.repeat_interleave(N_SEED, 0), None)
    descent.record(code[torch.randperm(len(code))], torch.randn_like(x).repeat_interleave(N_SEED, 0), None)
    assert descent._recorded[len(code), True] is not None
    found = descent(code, x.repeat_interleave(N_SEED, 0), None)
    for recorded, plain in zip(found, expected, strict=True):
        assert not recorded.requires_grad
        torch.testing.assert_close(recorded, plain, rtol=0, atol=1e-12)


def test_a_recording_that_would_not_hold_is_not_used() -> None:
    """What a network decides by looking at numbers, a recording has decided for good."""

    class Fickle(nn.Module):
        def forward(self, code: Tensor) -> Tensor:
            return code * float(code.detach().sum().sign())

    descent = Descent(Fickle(), MSE())
    code, x = torch.randn(4, 2), torch.randn(4, 2)
    expected = descent(code, x, None)
    descent.record(-code, x, None)
    assert descent._recorded[4, True] is None
    for found, plain in zip(descent(code, x, None), expected, strict=True):
        assert torch.equal(found, plain)


@pytest.mark.parametrize("name", NETWORKS)
def test_many_recorded_blocks_agree_with_the_plain_loop(name: str) -> None:
    network = trained(name)
    x, start = entries(network, 9)
    one = LatentSearch(generator(network), SETTINGS, dtype=torch.float64).bytes_per_entry
    search = LatentSearch(generator(network), SETTINGS, memory=2.5 * one, dtype=torch.float64)
    found = search(x, start)
    assert search.descent._recorded[2 * N_SEED, True] is not None
    losses, codes, _ = plain_search(network, x, start, SETTINGS)
    torch.testing.assert_close(found.losses, losses, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.code, codes, rtol=0, atol=1e-10)


def test_masked_slots_do_not_count_in_a_recording() -> None:
    network = trained("linear")
    x, start = entries(network, 9)
    mask = torch.rand(9, 4) > 0.4
    one = LatentSearch(generator(network), SETTINGS, dtype=torch.float64).bytes_per_entry
    in_blocks = LatentSearch(generator(network), SETTINGS, memory=2.5 * one, dtype=torch.float64)
    whole = LatentSearch(generator(network), SETTINGS, dtype=torch.float64)(x, start, mask)
    found = in_blocks(x, start, mask)
    assert in_blocks.descent._recorded[2 * N_SEED, False] is not None
    torch.testing.assert_close(found.trace, whole.trace, rtol=0, atol=1e-12)
