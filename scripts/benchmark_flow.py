"""Compare `model=flow` with zuko's own recipe and with `model=flow_matching`: nats of held-out entries, and speed.

    OMP_NUM_THREADS=1 python scripts/benchmark_flow.py [--entries N] [--epochs N]

Nats: two interleaved half moons, and four columns as of dijets (a mass, a mass difference, two ratios), each learned
by `hepad.models.Flow` with its defaults and by zuko's own NSF of standardised columns, with the same entries, steps,
optimiser and schedule; and by `hepad.models.FlowMatching`, either objective, for `--matching` times as many epochs.
Speed: a step of MAF, 5 transformations of 64 × 64, as hepad makes it, coordinates and
loss included, and zuko's loop alone, in turn. The figures in docs/models/flow.md and flow_matching.md are of this
script.
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import zuko
from torch import Tensor

from hepad.core.batch import Batch
from hepad.models import Flow, FlowMatching

BATCH = 512


def moons(n: int, generator: torch.Generator) -> Tensor:
    """Two half circles with noise."""
    angle = math.pi * torch.rand(n, generator=generator)
    upper = torch.rand(n, generator=generator) < 0.5
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    return torch.stack([x, y], 1) + 0.1 * torch.randn(n, 2, generator=generator)


def dijets(n: int, generator: torch.Generator) -> Tensor:
    """Columns such as m_J1 and Δm in TeV and τ21 of either jet: falling, correlated, within bounds."""
    u = torch.rand(n, 4, generator=generator).clamp(1e-6, 1 - 1e-6)
    mass = 0.03 - 0.06 * u[:, 0].log()
    other = mass * u[:, 1].sqrt()
    ratios = torch.sigmoid(torch.logit(u[:, 2:]) * 0.7 + 0.5 - mass.unsqueeze(1) * 2)
    return torch.stack([mass, other, ratios[:, 0], ratios[:, 1]], 1)


def train(losses: Callable[[Tensor], Tensor], parameters: list[Tensor], x: Tensor, epochs: int) -> None:
    """Adam at 2e-3 with a cosine to 0, as `model=flow`."""
    steps = epochs * (len(x) // BATCH)
    optimizer = torch.optim.Adam(parameters, 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(1)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            if len(rows) < BATCH:
                continue
            optimizer.zero_grad()
            losses(x[rows]).mean().backward()
            optimizer.step()
            schedule.step()


def nats(data: Callable[[int, torch.Generator], Tensor], n: int, epochs: int) -> tuple[float, float]:
    """Return the mean −ln p of held-out entries, of hepad's flow and of zuko's."""
    generator = torch.Generator().manual_seed(0)
    x, held = data(n, generator), data(20_000, generator)
    torch.manual_seed(0)
    ours = Flow(x.shape[1:])
    ours.prepare(Batch(x))
    train(lambda batch: ours.losses(Batch(batch)), list(ours.parameters()), x, epochs)
    center, scale = x.mean(0), x.std(0)
    torch.manual_seed(0)
    recipe = zuko.flows.NSF(x.shape[1], transforms=3, hidden_features=(64, 64))
    train(lambda batch: -recipe().log_prob((batch - center) / scale), list(recipe.parameters()), x, epochs)
    with torch.no_grad():
        found = -ours.log_prob(Batch(held)).mean()
        theirs = -recipe().log_prob((held - center) / scale).mean() + scale.log().sum()
    return float(found), float(theirs)


def matching_nats(
    data: Callable[[int, torch.Generator], Tensor], n: int, epochs: int, objective: str
) -> tuple[float, float]:
    """Return the mean −ln p of held-out entries of flow matching, and the CPU time of ln p in ms an entry."""
    generator = torch.Generator().manual_seed(0)
    x, held = data(n, generator), data(20_000, generator)[:5000]
    torch.manual_seed(0)
    model = FlowMatching(x.shape[1:], objective=objective)
    model.prepare(Batch(x))
    model.log = lambda *args, **options: None
    train(lambda batch: model.training_step(Batch(batch), 0), list(model.network.parameters()), x, epochs)
    start = time.process_time()
    with torch.no_grad():
        found = -model.log_prob(Batch(held)).mean()
    return float(found), (time.process_time() - start) / len(held) * 1e3


def speed(repeats: int) -> tuple[float, float]:
    """Return the median CPU times of a step of MAF in ms: hepad's and zuko's."""
    x = dijets(100 * 256, torch.Generator().manual_seed(0))
    ours = Flow((4,), kind="maf", transforms=5)
    ours.prepare(Batch(x))
    ours.log = lambda *args, **options: None
    recipe = zuko.flows.MAF(4, transforms=5, hidden_features=(64, 64))
    makers = {
        "hepad": (ours, lambda batch: ours.training_step(Batch(batch), 0)),
        "zuko": (recipe, lambda batch: -recipe().log_prob(batch).mean()),
    }
    times: dict[str, list[float]] = {name: [] for name in makers}
    optimizers = {name: torch.optim.Adam(model.parameters(), 1e-3) for name, (model, _) in makers.items()}
    for _ in range(repeats):
        for name, (_, loss) in makers.items():
            start = time.process_time()
            for batch in x.split(256)[:25]:
                optimizers[name].zero_grad()
                loss(batch).backward()
                optimizers[name].step()
            times[name].append((time.process_time() - start) / 25 * 1e3)
    return statistics.median(times["hepad"]), statistics.median(times["zuko"])


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--matching", type=int, default=5)
    settings = parser.parse_args()
    ours, theirs = speed(settings.repeats)
    print(
        f"MAF 5 × 64², batch 256: hepad {ours:.2f} ms, zuko {theirs:.2f} ms a step; ratio {theirs / ours:.2f}",
        flush=True,
    )
    for name, data in {"moons": moons, "dijets": dijets}.items():
        found, recipe = nats(data, settings.entries, settings.epochs)
        print(f"{name}: hepad {found:.4f}, zuko {recipe:.4f} nats; hepad less zuko {found - recipe:+.4f}", flush=True)
        for objective in ("velocity", "noise"):
            found, cost = matching_nats(data, settings.entries, settings.epochs * settings.matching, objective)
            print(f"{name}: flow matching, {objective}, {found:.4f} nats, {cost:.3f} ms an entry", flush=True)


if __name__ == "__main__":
    main()
