"""Time latent search side by side with the plain loop it replaces: one entry, one restart, one copy at a time.

    python scripts/benchmark_latent_search.py                 # CPU
    python scripts/benchmark_latent_search.py --device cuda   # GPU

Each row is the median of several rounds in which both ways take turns, on the same generator, entries and codes, in
float32, in ms per entry. The plain loop is given fewer entries: its time per entry does not depend on their number. It
runs with PyTorch's number of threads, and with one, which suits such small steps better. The share of the
floor compares with moving 40 bytes per weight, copy and step (read and write weights and both moments of Adam, write
and read the gradient, read the weights forward and backward) at the bandwidth that an in-place sum reaches on blocks of
the same size.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from hepad.inference import LatentSearch, SearchSettings, draw_codes
from hepad.nn import LatentNetwork

LATENT = 16


def dense() -> nn.Module:
    """A perceptron with batch norms, 64 thousand weights."""
    layers: list[nn.Module] = []
    widths = [LATENT, 80, 112, 144]
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 252), nn.Unflatten(1, (1, 18, 14)))


def deep() -> nn.Module:
    """A deeper perceptron with batch norms, 66 thousand weights."""
    layers: list[nn.Module] = []
    widths = [LATENT, 64, 80, 96, 112, 96]
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 252), nn.Unflatten(1, (1, 18, 14)))


def convolutional() -> nn.Module:
    """Transposed convolution, convolutions and batch norms, 54 thousand weights."""
    return nn.Sequential(
        nn.Linear(LATENT, 32 * 9 * 7),
        nn.Unflatten(1, (32, 9, 7)),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 24, 4, 2, 1),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1),
    )


TARGETS = {"z + θ": 12, "z only": 100}
"""Factor over the plain loop that the search is meant to reach."""

GENERATORS = {"dense": dense, "deep": deep, "convolutional": convolutional}


def plain_loop(network: nn.Module, x: Tensor, start: Tensor, settings: SearchSettings) -> Tensor:
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


def seconds(call: Callable[[], Tensor], device: str) -> tuple[float, Tensor]:
    """Return the wall time of one call and what it gave."""
    began = time.perf_counter()
    result = call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began, result


def bandwidth(search: LatentSearch, n_seed: int) -> float:
    """Return bytes per second of an in-place sum over as many numbers as a block's weights and moments."""
    size = 4 * search.block * n_seed * sum(weight.numel() for weight in search.weights.values())
    a = torch.zeros(size // 2, device=search.device)
    b = torch.ones_like(a)
    times = []
    for _ in range(30):
        began = time.perf_counter()
        a.add_(b)
        if search.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 12 * len(a) / statistics.median(times)


def compare(name: str, gamma_theta: float, n_entries: int, rounds: int, device: str) -> str:
    """Return one row of the table."""
    torch.manual_seed(0)
    network = GENERATORS[name]()
    for _ in range(10):
        network(torch.randn(256, LATENT))
    network = network.eval().to(device)
    network.requires_grad_(gamma_theta > 0)
    settings = SearchSettings(gamma_theta=gamma_theta)
    x = torch.randn(n_entries, 1, 18, 14)
    start = torch.from_numpy(draw_codes(0, np.arange(n_entries), settings.n_seed, (LATENT,))).float()
    few = 4 if gamma_theta else 8
    few_x, few_start = x[:few].to(device), start[:few].to(device)
    search = LatentSearch(LatentNetwork(network, (LATENT,), True), settings, device=device)
    search(x, start)
    rounds_of: dict[str, list[float]] = {"all": [], "one": [], "batched": []}
    threads = torch.get_num_threads()
    for _ in range(rounds):
        for what, n_threads in (("all", threads), ("one", 1)):
            torch.set_num_threads(n_threads)
            duration, expected = seconds(lambda: plain_loop(network, few_x, few_start, settings), device)
            rounds_of[what].append(duration / few)
        torch.set_num_threads(threads)
        duration, found = seconds(lambda: search(x, start).losses, device)
        rounds_of["batched"].append(duration / n_entries)
    error = float((found[:few] - expected.cpu()).abs().max())
    times = {what: statistics.median(values) for what, values in rounds_of.items()}
    ratios = [
        statistics.median(p / b for p, b in zip(rounds_of[what], rounds_of["batched"], strict=True))
        for what in ("all", "one")
    ]
    weights = sum(weight.numel() for weight in network.parameters())
    floor = ""
    if gamma_theta:
        least = 40 * weights * settings.n_seed * settings.steps / bandwidth(search, settings.n_seed)
        floor = f"{least / times['batched']:.0%}"
    kind = "z + θ" if gamma_theta else "z only"
    cells = [name, f"{weights:,}", kind, str(search.block)]
    cells += [f"{1e3 * times[what]:.1f}" for what in ("all", "one")] + [f"{1e3 * times['batched']:.2f}"]
    cells += [f"{ratio:.0f}" for ratio in ratios] + [str(TARGETS[kind]), floor, f"{error:.0e}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--entries", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generators", nargs="*", default=list(GENERATORS), choices=list(GENERATORS))
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {options.device}, {torch.get_num_threads()} threads")
    threads = torch.get_num_threads()
    columns = ("generator", "weights", "search", "block", f"plain, {threads} threads", "plain, 1", "batched, ms/entry")
    print("| " + " | ".join((*columns, f"ratio, {threads}", "ratio, 1", "target", "of the floor", "error")) + " |")
    print("|---" * (len(columns) + 5) + "|")
    for name in options.generators:
        for gamma_theta in (1e-4, 0.0):
            print(compare(name, gamma_theta, options.entries, options.rounds, options.device), flush=True)


if __name__ == "__main__":
    main()
