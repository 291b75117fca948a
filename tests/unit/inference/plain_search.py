"""Networks to search, and a deliberately plain search: one entry, one restart, one copy of the network at a time."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from hepad.inference import LatentSearch, SearchResult, SearchSettings, draw_codes
from hepad.nn import LatentNetwork

LATENT = 5
GAMMA_Z, GAMMA_THETA = 5e-2, 1e-2
N_SEED, STEPS = 3, 7


def linear_net() -> nn.Module:
    return nn.Sequential(
        nn.Linear(LATENT, 9), nn.Tanh(), nn.BatchNorm1d(9), nn.Linear(9, 4 * 6), nn.Unflatten(1, (4, 6))
    )


def conv_net() -> nn.Module:
    """Four channels, as the RGB-D images this algorithm was made for."""
    return nn.Sequential(
        nn.Linear(LATENT, 6 * 3 * 2),
        nn.Unflatten(1, (6, 3, 2)),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1),
        nn.BatchNorm2d(5, affine=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(5, 4, 3, padding=1),
    )


def dropout_net() -> nn.Module:
    """No batch norm, whose stand-in has no mode: only eval mode keeps the dropout out of the scores."""
    return nn.Sequential(
        nn.Linear(LATENT, 9), nn.Tanh(), nn.Dropout(0.5), nn.Linear(9, 4 * 6), nn.Dropout(0.2), nn.Unflatten(1, (4, 6))
    )


NETWORKS = {"linear": linear_net, "conv": conv_net, "dropout": dropout_net}


def trained(name: str, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A network whose batch norms have statistics and weights of their own."""
    torch.manual_seed(1)
    network = NETWORKS[name]().to(dtype)
    for _ in range(20):
        network(torch.randn(64, LATENT, dtype=dtype) * 2 + 1)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) and norm.affine:
            nn.init.normal_(norm.weight, 1, 0.3)
            nn.init.normal_(norm.bias, 0, 0.3)
    return network


def entries(network: nn.Module, n: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    network = copy.deepcopy(network).eval()
    torch.manual_seed(2)
    like = network(torch.zeros(1, LATENT, dtype=dtype))
    x = torch.randn(n, *like.shape[1:], dtype=dtype)
    return x, torch.from_numpy(draw_codes(3, np.arange(n), N_SEED, (LATENT,))).to(dtype)


def generator(network: nn.Module) -> LatentNetwork:
    return LatentNetwork(network, (LATENT,), unit_normal_prior=True)


def plain_search(
    network: nn.Module, x: Tensor, start: Tensor, settings: SearchSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """The definition, word by word: losses, codes and ‖Δθ‖ of every entry and restart."""
    losses = torch.zeros(start.shape[:2], dtype=x.dtype)
    moved = torch.zeros_like(losses)
    codes = torch.zeros_like(start)
    kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    for i in range(len(x)):
        for j in range(start.shape[1]):
            own = copy.deepcopy(network).eval()
            z = start[i, j].clone().unsqueeze(0).requires_grad_()
            optimizers = [
                kinds[settings.optimizer]([z], lr=settings.gamma_z),
                kinds[settings.optimizer](own.parameters(), lr=settings.gamma_theta),
            ]
            for _ in range(settings.steps):
                for optimizer in optimizers:
                    optimizer.zero_grad()
                (own(z) - x[i : i + 1]).square().mean().backward()
                for optimizer in optimizers:
                    optimizer.step()
            with torch.no_grad():
                losses[i, j] = (own(z) - x[i : i + 1]).square().mean()
                codes[i, j] = z[0]
                differences = [
                    (a - b).square().sum() for a, b in zip(own.parameters(), network.parameters(), strict=True)
                ]
                moved[i, j] = torch.stack(differences).sum().sqrt()
    return losses, codes, moved


def search(network: nn.Module, x: Tensor, start: Tensor, **changes: object) -> SearchResult:
    numbers = {"n_seed": start.shape[1], "steps": STEPS, "gamma_z": GAMMA_Z, "gamma_theta": GAMMA_THETA}
    memory = changes.pop("memory", 1e9)
    settings = SearchSettings(**(numbers | changes))  # type: ignore[arg-type]
    return LatentSearch(generator(network), settings, memory=memory, dtype=x.dtype)(x, start)  # type: ignore[arg-type]
