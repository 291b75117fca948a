"""Time one epoch of the default training, with batches sliced from memory and with a per-item DataLoader.

    python scripts/benchmark_loader.py [--epochs N]

Prints, for each epoch in turn, so that a change of the machine's speed hits all alike: the loop over batches alone, and
the network's steps on the same batches. The figures quoted in docs/performance.md are medians and their ratio.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch.utils.data import DataLoader, TensorDataset

from hepad.core.batch import Batch
from hepad.data import JetsDataModule
from hepad.models import DenseAutoencoder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=7)
    epochs = parser.parse_args().epochs
    data = JetsDataModule(samples={}, background="zero_bias")
    data.setup()
    model = DenseAutoencoder(data.entry_shape, {"_target_": "hepad.losses.MSE"})
    model.normalizer.fit(data.train_entries.batch.x)
    optimizer = torch.optim.Adam(model.parameters())
    sliced = data.train_dataloader()
    per_item = DataLoader(
        TensorDataset(data.train_entries.batch.x), batch_size=data.batch_size, shuffle=True, drop_last=True
    )

    def step(batch: Batch) -> None:
        z = model.normalizer(batch.x)
        loss = model.loss(model.reconstruct(z), z).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    parts: dict[str, Callable[[], object]] = {
        "batches sliced from memory": lambda: run_through(sliced),
        "per-item DataLoader": lambda: run_through(per_item),
        "network steps alone": lambda batches=list(sliced): [step(batch) for batch in batches],
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(epochs + 1):
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            times[name].append(time.perf_counter() - start)
    print(f"{len(data.train_entries)} jets, batches of {data.batch_size}, {epochs} epochs after one to warm up")
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    for name, median in medians.items():
        share = median / medians["network steps alone"]
        print(f"{name:28} {1000 * median:8.1f} ms per epoch   {share:6.2f} of the network's time")


def run_through(batches: Iterable[object]) -> None:
    """Take every batch and do nothing with it."""
    for _ in batches:
        pass


if __name__ == "__main__":
    main()
