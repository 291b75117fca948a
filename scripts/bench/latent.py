"""Latent search beside the plain loop that it replaces: one entry, one restart, one copy of the weights at a time.

Both take turns on the same generator, entries and codes in float32. The plain loop is given fewer entries, since its
time per entry does not depend on their number, and runs with PyTorch's threads and with one. The memory floor moves 40
bytes per weight, copy and step (read and write weights and both moments of Adam, write and read the gradient, read the
weights forward and backward) at the bandwidth that an in-place sum reaches on blocks of the same size.
"""

import copy
import statistics
from collections.abc import Iterator

import numpy as np
import torch
from scripts.bench.generators import GENERATORS, LATENT
from scripts.bench.rounds import Row, row_of, seconds_of, take_turns
from scripts.bench.settings import Settings
from torch import Tensor

from hepad.inference import LatentSearch, SearchSettings, draw_codes
from hepad.nn import LatentNetwork

SEARCH, FLOOR = "search", "memory floor"
_FEW = {True: 2, False: 4}


def latent_search(settings: Settings) -> Iterator[Row]:
    """Yield entries searched per second for each generator, with weights of their own (z + θ) and without (z)."""
    for name in GENERATORS:
        for gamma_theta in (1e-4, 0.0):
            yield from _compare(name, SearchSettings(gamma_theta=gamma_theta, steps=settings.search_steps), settings)


def _compare(name: str, search_settings: SearchSettings, settings: Settings) -> list[Row]:
    torch.manual_seed(0)
    network, own_weights = GENERATORS[name](), search_settings.gamma_theta > 0
    for _ in range(10):
        network(torch.randn(256, LATENT))
    network = network.eval().to(settings.device).requires_grad_(own_weights)
    n, few = settings.n_searched, min(settings.n_searched, _FEW[own_weights])
    x = torch.randn(n, 1, 18, 14)
    codes = draw_codes(0, np.arange(n), search_settings.n_seed, (LATENT,))
    start = torch.from_numpy(codes).float()
    few_x, few_start = x[:few].to(settings.device), start[:few].to(settings.device)
    search = LatentSearch(LatentNetwork(network, (LATENT,), True), search_settings, device=settings.device)
    threads = torch.get_num_threads()
    found: dict[str, Tensor] = {}

    def plain(n_threads: int) -> None:
        torch.set_num_threads(n_threads)
        try:
            found["plain"] = plain_loop(network, few_x, few_start, search_settings)
        finally:
            torch.set_num_threads(threads)

    def searched() -> None:
        found["search"] = search(x, start).losses

    plains = {f"plain loop, {count} thread{'s' * (count > 1)}": count for count in sorted({1, threads})}
    ways = {**{way: lambda count=count: plain(count) for way, count in plains.items()}, SEARCH: searched}
    seconds = take_turns(ways, settings.rounds, settings.device)
    rates = {way: [(n if way == SEARCH else few) / duration for duration in times] for way, times in seconds.items()}
    if own_weights:
        weights = sum(weight.numel() for weight in network.parameters())
        moved = 40 * weights * search_settings.n_seed * search_settings.steps
        rates[FLOOR] = [_bandwidth(search, search_settings.n_seed) / moved for _ in range(settings.rounds)]
    case = f"{name} generator, {'z + θ' if own_weights else 'z'}, blocks of {search.block}"
    rows = [row_of(case, way, "entries/s", values, rates, (*plains, FLOOR)) for way, values in rates.items()]
    error = float((found["search"][:few] - found["plain"].cpu()).abs().max())
    return [*rows, row_of(case, "largest difference of a loss", "", [error])]


def plain_loop(network: torch.nn.Module, x: Tensor, start: Tensor, settings: SearchSettings) -> Tensor:
    """Return `(N, n_seed)` losses."""
    losses = torch.empty(start.shape[:2], device=x.device)
    for i in range(len(x)):
        for j in range(start.shape[1]):
            own = copy.deepcopy(network).eval() if settings.gamma_theta else network
            z = start[i, j].clone().unsqueeze(0).requires_grad_()
            groups = [{"params": [z], "lr": settings.gamma_z}]
            if settings.gamma_theta:
                groups.append({"params": list(own.parameters()), "lr": settings.gamma_theta})
            optimizer = torch.optim.Adam(groups)
            for _ in range(settings.steps):
                optimizer.zero_grad()
                (own(z) - x[i : i + 1]).square().mean().backward()
                optimizer.step()
            with torch.no_grad():
                losses[i, j] = (own(z) - x[i : i + 1]).square().mean()
    return losses


def _bandwidth(search: LatentSearch, n_seed: int) -> float:
    """Return bytes per second of an in-place sum over as many numbers as a block's weights and moments."""
    size = 4 * search.block * n_seed * sum(weight.numel() for weight in search.weights.values())
    a = torch.zeros(max(1, size // 2), device=search.device)
    b = torch.ones_like(a)
    times = [seconds_of(lambda: a.add_(b), search.device.type) for _ in range(15)]
    return 12 * len(a) / statistics.median(times)
