"""Batches of entries that are read from disk while others train: buffers of random blocks, shuffled."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any
from weakref import WeakSet

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, join_batches, on_device, take_rows
from hepad.core.hdf5 import open_hdf5
from hepad.core.threads import read_ahead
from hepad.data.loader import BatchLoader, EpochShuffle
from hepad.data.memory import return_free_memory
from hepad.data.streaming.parts import TRAIN, RoleStream

_LOADERS: "WeakSet[StreamedLoader]" = WeakSet()
BlockOfStream = tuple[int, int]
"""Number of a stream, and of one of its blocks."""


class StreamedLoader(BatchLoader):
    """Batches of a part of the streams, each of its entries once in an epoch.

    Training entries come in the order of (seed, epoch): blocks of rows in a random order, as many at a time as a buffer
    holds, the entries of a buffer in a random order. A thread reads the next buffer while one is trained on; when it is
    done changes nothing. Other parts come in the order of their files, and stay in memory where they fit.

    Args:
        streams: of all roles.
        code: the part, `TRAIN` or `VAL`.
        template: entries, of which none are shown, with the fields that a batch has.
        buffer: entries that a buffer holds at most, but for a block that alone has more; of other parts entries that
            are read at once, whichever part they belong to.
        batch_size, shuffle_seed, drop_last, rank, world_size: see `BatchLoader`. Processes share each training batch,
            and take other entries in turn.
        kept: bytes that a part in order may take: where it takes no more, it is read once, until the loader is closed.

    Attributes:
        most_held: the most entries that buffers held at a time.
    """

    def __init__(
        self,
        streams: Sequence[RoleStream],
        code: int,
        template: Batch,
        buffer: int,
        batch_size: int,
        shuffle_seed: int | None = None,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        kept: int = 0,
    ) -> None:
        super().__init__(take_rows(template, slice(0, 0)), batch_size, shuffle_seed, rank=rank, world_size=world_size)
        n_entries = sum(stream.n(code) for stream in streams)
        # Each process has read all of a training batch, and of other parts what is its own.
        self.n_entries = n_entries if code == TRAIN else len(range(rank, n_entries, world_size))
        self.drop_last = drop_last and self.n_entries >= batch_size
        self.sampler = EpochShuffle(n_entries, shuffle_seed)
        self.streams = streams
        self.code = code
        self.buffer = buffer
        self.most_held = 0
        self._device = torch.device("cpu")
        self._reading: Iterator[Batch] | None = None
        self._is_kept = shuffle_seed is None and self.n_entries * self._entry_bytes <= kept
        self._kept: list[Batch] = []
        _LOADERS.add(self)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the buffer that is on the device of `to`."""
        return self.buffer * self._entry_bytes

    @property
    def _entry_bytes(self) -> int:
        return sum(field.nbytes for field in _like(self.entries, 1) if field is not None)

    def to(self, device: torch.device) -> None:
        """Let whole buffers go to a device, and make batches of them there."""
        self._device = device

    def close(self) -> None:
        """Stop reading, and keep nothing."""
        self._stop()
        self._kept.clear()

    def _stop(self) -> None:
        if self._reading is not None:
            self._reading.close()  # type: ignore[attr-defined]
            self._reading = None

    def __iter__(self) -> Iterator[Batch]:
        self._stop()
        self._reading = self._batches = self._epoch()
        return self._batches

    def _epoch(self) -> Iterator[Batch]:
        generator = self.sampler.generator(stream=1)
        shares = self.code == TRAIN and self.world_size > 1
        with closing(self._read_or_kept()) as buffers:  # type: ignore[type-var]
            for batch in self._cut(buffers):
                if self.transform is not None:
                    batch = self.transform(batch, generator)
                yield self._share(batch) if shares else batch

    def _read_or_kept(self) -> Iterator[Batch]:
        if self._kept:
            yield from self._kept
            return
        kept: list[Batch] = []
        with closing(read_ahead(self._buffers(), 1)) as buffers:  # type: ignore[type-var]
            for buffer in buffers:
                if self._is_kept:
                    kept.append(buffer)
                yield buffer
                del buffer
        self._kept = kept

    def _cut(self, buffers: Iterator[Batch]) -> Iterator[Batch]:
        """Yield batches of one size out of buffers of any; what a buffer leaves goes before the next."""
        rest: Batch | None = None
        size = self.batch_size
        for made in buffers:
            buffer = on_device(made, self._device)
            start = 0
            if rest is not None:
                start = min(size - len(rest.x), len(buffer.x))
                rest = join_batches([rest, take_rows(buffer, slice(0, start))])
                if len(rest.x) < size:
                    continue
                yield rest
                rest = None
            n = len(buffer.x)
            stop = n - (n - start) % size
            for i in range(start, stop, size):
                yield take_rows(buffer, slice(i, i + size))
            if stop < n:
                # A copy, so that the buffer may go.
                rest = take_rows(buffer, torch.arange(stop, n, device=buffer.x.device))
        if rest is not None and not self.drop_last:
            yield rest

    def _buffers(self) -> Iterator[Batch]:
        """Yield the buffers of an epoch, in a thread of its own."""
        generator = None if self.sampler.seed is None else self.sampler.generator(stream=0)
        begun = 0
        with ExitStack() as stack:
            files = [stack.enter_context(open_hdf5(stream.scan.path)) for stream in self.streams]
            for blocks in self._plan(generator):
                n = sum(self._count(where) for where in blocks)
                self.most_held = max(self.most_held, n)
                order = None if generator is None else torch.randperm(n, generator=generator).numpy()
                buffer = self._filled(files, blocks, n, order)
                if self.code != TRAIN and self.world_size > 1:
                    yield take_rows(buffer, slice((self.rank - begun) % self.world_size, None, self.world_size))
                else:
                    yield buffer
                del buffer
                return_free_memory()
                begun += n

    def _count(self, where: BlockOfStream) -> int:
        stream, block = where
        return int(self.streams[stream].n_in_block[self.code][block])

    def _plan(self, generator: torch.Generator | None) -> Iterator[list[BlockOfStream]]:
        """Yield the blocks of each buffer; blocks without an entry of the part are not read."""
        blocks = [
            (i, int(block))
            for i, stream in enumerate(self.streams)
            for block in np.flatnonzero(stream.n_in_block[self.code])
        ]
        if generator is not None:
            blocks = [blocks[i] for i in torch.randperm(len(blocks), generator=generator).tolist()]
        chosen: list[BlockOfStream] = []
        held = 0
        for where in blocks:
            n = self._count(where) if generator is not None else self._read(where)
            if chosen and held + n > self.buffer:
                yield chosen
                chosen, held = [], 0
            chosen.append(where)
            held += n
        if chosen:
            yield chosen

    def _read(self, where: BlockOfStream) -> int:
        """Return how many entries are read with a block, of whatever part."""
        stream, block = where
        return int(np.diff(self.streams[stream].scan.entries[block : block + 2])[0])

    def _read_at_once(self, blocks: Sequence[BlockOfStream]) -> Iterator[tuple[int, int, int]]:
        """Yield stream, first block and the one behind the last of what is read at once.

        Blocks that train come in a random order and have few neighbours. Others come in that of the file, and where
        they are small, beginning to read takes longer than reading.
        """
        at: tuple[int, int, int] | None = None
        for i, block in blocks:
            if at is not None and at[0] == i and at[2] == block:
                numbers = self.streams[i].scan.entries
                if numbers[block + 1] - numbers[at[1]] <= self.buffer:
                    at = (i, at[1], block + 1)
                    continue
            if at is not None:
                yield at
            at = (i, block, block + 1)
        if at is not None:
            yield at

    def _filled(
        self, files: Sequence[h5py.File], blocks: Sequence[BlockOfStream], n: int, order: NDArray[np.int64] | None
    ) -> Batch:
        """Return the entries of some blocks, each at its place in the order."""
        buffer = _like(self.entries, n)
        begun = 0
        for i, first, stop in self._read_at_once(blocks):
            batch, rows = self.streams[i].read(files[i], first, stop, self.code)
            place: Any = slice(begun, begun + len(rows))
            begun += len(rows)
            for kept, field in zip(buffer, batch, strict=True):
                if kept is None:
                    continue
                # NumPy's, which takes one thread: PyTorch's would take those of the training.
                where = place if order is None else order[place]
                if field is None:
                    kept.numpy()[where] = 1  # Entries without weights among others with.
                else:
                    kept.numpy()[where] = field.numpy()[rows]
        return buffer


def _like(template: Batch, n: int) -> Batch:
    """Return `n` entries, not filled, with the fields of a template."""
    x, *others = (None if field is None else field.new_empty((n, *field.shape[1:])) for field in template)
    assert x is not None
    return Batch(x, *others)


@atexit.register
def _stop_reading() -> None:
    """End the threads of epochs that nobody went through to their end; Python, when it ends, would wait for them."""
    for loader in list(_LOADERS):
        loader.close()
