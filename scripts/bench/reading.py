"""Reading of files, stored as they are and deflated, and batches of what is in memory."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import h5py
import torch
from scripts.bench.made_up import write_jets
from scripts.bench.rounds import Row, rates, take_turns
from scripts.bench.settings import Settings
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset

from hepad.core.batch import Batch, take_rows
from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import JET_DATASET
from hepad.data import JetsDataModule
from hepad.data.loader import BatchLoader, EpochShuffle

RAW = "bare h5py"
SLICED = "hepad, sliced from memory"


def reading(settings: Settings) -> Iterator[Row]:
    """Yield jets read per second, in parts as `hepad.score` reads and whole as a training does."""
    for compression in (None, "gzip"):
        # Unpacking is slow: a tenth of the jets.
        n = settings.n_scored if compression is None else max(1, settings.n_scored // 10)
        path = write_jets(settings.work / f"read_{compression}.h5", n, compression=compression)
        ways = {
            RAW: lambda path=path, n=n: read_bare(path, n),
            "hepad, in parts": lambda path=path, n=n: _read_parts(path, n),
            "hepad, whole": lambda path=path: _datamodule(path).read_sample("background", path),
        }
        seconds = take_turns(ways, settings.rounds)
        case = f"{n:,} jets, {'deflated' if compression else 'stored as they are'}"
        yield from rates(case, "entries/s", dict.fromkeys(ways, n), seconds, (RAW,))


def batches(settings: Settings) -> Iterator[Row]:
    """Yield entries per second of a loop over shuffled batches that does nothing with them."""
    n = settings.n_vectors
    entries = Batch(torch.rand(n, 17))
    for batch_size in settings.batch_sizes:
        per_item = DataLoader(TensorDataset(entries.x), batch_size=batch_size, shuffle=True, drop_last=True)
        whole = DataLoader(
            WholeBatches(entries),
            batch_size=None,
            sampler=RowsOfBatches(n, batch_size),
            generator=torch.Generator(),
        )
        loaders: dict[str, Iterable[object]] = {
            SLICED: BatchLoader(entries, batch_size, shuffle_seed=0, drop_last=True),
            "DataLoader of whole batches": whole,
            "DataLoader of entries": per_item,
        }
        ways = {way: _loop(loader) for way, loader in loaders.items()}
        seconds = take_turns(ways, settings.rounds)
        yield from rates(f"batches of {batch_size}", "entries/s", dict.fromkeys(ways, n), seconds, (SLICED,))


class WholeBatches(Dataset[Batch]):
    """A data set whose item is a batch: the rows that a sampler names."""

    def __init__(self, entries: Batch) -> None:
        self.entries = entries

    def __getitem__(self, rows: Tensor) -> Batch:
        return take_rows(self.entries, rows)


class RowsOfBatches(Sampler[Tensor]):
    """The rows of one full batch after the other, shuffled as in a training."""

    def __init__(self, n_entries: int, batch_size: int) -> None:
        self.shuffle = EpochShuffle(n_entries, 0)
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Tensor]:
        order = self.shuffle.order()
        assert order is not None
        yield from order.split(self.batch_size)[: len(order) // self.batch_size]


def _loop(loader: Iterable[object]) -> Callable[[], None]:
    def run_through() -> None:
        for _ in loader:
            pass

    return run_through


def _datamodule(path: Path) -> JetsDataModule:
    return JetsDataModule(samples={"background": str(path)}, bundled=False, background="background")


def read_bare(path: Path, n: int) -> None:
    """Read a file of `n` events by h5py alone, some thousand rows at a time."""
    with h5py.File(path) as file:
        for start in range(0, n, 8192):
            file[JET_DATASET][start : start + 8192]


def _read_parts(path: Path, n: int) -> None:
    data = _datamodule(path)
    with open_hdf5(path) as file:
        for start in range(0, n, 65536):
            data.read_weighted(file, "background", None, slice(start, min(start + 65536, n)))
