"""Time one epoch of the default training, with batches sliced from memory and with torch's DataLoader.

    python scripts/benchmark_loader.py [--epochs N] [--batch-size N]

Prints, for each epoch in turn, so that a change of the machine's speed hits all alike: the loop over batches alone, and
the network's steps on the same batches, in CPU time. The figures quoted in docs/performance.md are medians and their
ratio.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset

from hepad.core.batch import Batch, take_rows
from hepad.data import JetsDataModule
from hepad.data.loader import EpochShuffle
from hepad.models import DenseAutoencoder


class WholeBatches(Dataset[Batch]):
    """A data set whose item is a batch: the rows that a sampler names."""

    def __init__(self, entries: Batch) -> None:
        self.entries = entries

    def __getitem__(self, rows: Tensor) -> Batch:
        return take_rows(self.entries, rows)


class RowsOfBatches(Sampler[Tensor]):
    """The rows of one full batch after the other, shuffled as in a training."""

    def __init__(self, n_entries: int, batch_size: int, seed: int) -> None:
        self.shuffle = EpochShuffle(n_entries, seed)
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Tensor]:
        order = self.shuffle.order()
        assert order is not None
        for i in range(len(order) // self.batch_size):
            yield order[i * self.batch_size : (i + 1) * self.batch_size]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=512)
    arguments = parser.parse_args()
    epochs = arguments.epochs
    data = JetsDataModule(samples={}, background="zero_bias", batch_size=arguments.batch_size)
    data.setup()
    model = DenseAutoencoder(data.entry_shape, {"_target_": "hepad.losses.MSE"})
    model.normalizer.fit(data.train_entries.batch.x)
    optimizer = torch.optim.Adam(model.parameters())
    sliced = data.train_dataloader()
    per_item = DataLoader(
        TensorDataset(data.train_entries.batch.x), batch_size=data.batch_size, shuffle=True, drop_last=True
    )
    entries = data.train_entries.batch
    whole_batches = DataLoader(
        WholeBatches(entries),
        batch_size=None,
        sampler=RowsOfBatches(len(entries.x), data.batch_size, data.seed),
        # Else every epoch would draw from the random numbers that a training draws from.
        generator=torch.Generator(),
    )

    def step(batch: Batch) -> None:
        z = model.normalizer(batch.x)
        loss = model.loss(model.reconstruct(z), z).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    parts: dict[str, Callable[[], object]] = {
        "batches sliced from memory": lambda: run_through(sliced),
        "DataLoader of whole batches": lambda: run_through(whole_batches),
        "per-item DataLoader": lambda: run_through(per_item),
        "network steps alone": lambda batches=list(sliced): [step(batch) for batch in batches],
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(epochs + 1):
        for name, part in parts.items():
            start = time.process_time()
            part()
            times[name].append(time.process_time() - start)
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
