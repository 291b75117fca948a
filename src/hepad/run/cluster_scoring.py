"""Scores of a file by the workers of a cluster: ranges of its rows as tasks, each read and computed where it is done.

The bits are those of one process. There entries are computed in blocks of one size, the last one smaller, and of such
blocks no bit of a score depends on where in a block its entry stands (`hepad.scores.forward`). A task does not know how
many entries come before its own, so its blocks begin elsewhere; its last one is filled up to the full size. The last
block of the file, which one process computes as it is, is done once more as a task of its own.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.cluster import Cluster, Workers, cluster_workers
from hepad.core.batch import Batch, take_rows
from hepad.core.hdf5 import open_hdf5
from hepad.core.hdf5.datasets import texts_are_sound
from hepad.core.progress import progress
from hepad.data import AnomalyDataModule, Entries
from hepad.run.context_range import ContextRange
from hepad.run.loading import Run, load_run
from hepad.run.scored_entries import ScoredEntries, Tally
from hepad.run.scoring_input import read_entries, reader_of_run, refuse_nonfinite
from hepad.rundir.facts import read_provenance
from hepad.scores.forward import Forward, rows_at_once, scoring_device
from hepad.scores.score_columns import entry_blocks

_MOST_READ: Final = 8
_TASKS_OF_A_WORKER: Final = 8


@dataclass(frozen=True)
class ScoringRequest:
    """Request that is the same for all tasks of a command.

    Attributes:
        run_dir: the run, at the same place for every worker.
        source: the file to score, likewise.
        on_nonfinite: `refuse` or `drop`; None for what the run did.
        device: where to compute; `auto` is the CPU.
        command: tells one command from the next, so that a worker reads a run that was trained anew.
    """

    run_dir: Path
    source: Path
    on_nonfinite: str | None
    device: str
    command: str = field(default_factory=lambda: uuid4().hex)

    @property
    def is_cpu(self) -> bool:
        """True where the workers compute on their CPUs."""
        return self.device in ("auto", "cpu")


@dataclass(frozen=True)
class ScoringTask:
    """Rows of a file to score.

    Attributes:
        request: of the command.
        rows: the first of each part that is read at once, and the end.
        block: entries that are computed at once.
        last: of the entries of these rows only the last so many, in one block as they are; None for all of them.
    """

    request: ScoringRequest
    rows: range
    block: int
    last: int | None = None


@dataclass(frozen=True)
class ScoredRows:
    """Result of a task: the scores, None where the rows hold no entry, what was left out, and what is out of range.

    Whole numbers are sent in as few bytes as they need: on a small machine whoever gives the command has no more time
    than a worker.

    Attributes:
        columns: name → numbers, and what is to be added to them.
        dropped, left_out: see `Tally`.
        ranges: contexts outside of the range trained on.
    """

    columns: Mapping[str, tuple[NDArray[Any], int]] | None
    dropped: int
    left_out: dict[str, int]
    ranges: ContextRange

    @classmethod
    def of(cls, scored: Sequence[ScoredEntries], tally: Tally, ranges: ContextRange) -> "ScoredRows":
        """Return the scores of some blocks."""
        columns = {n: _narrowed(v) for n, v in ScoredEntries.join(scored).columns().items()} if scored else None
        return cls(columns, tally.dropped, tally.left_out, ranges)

    @property
    def scored(self) -> ScoredEntries | None:
        """The scores as they were."""
        if self.columns is None:
            return None
        columns: dict[str, Any] = {
            name: values.astype(np.int64) + least if values.dtype.kind == "u" else values
            for name, (values, least) in self.columns.items()
        }
        return ScoredEntries(**columns)


def _narrowed(values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return whole numbers as those of few bytes, and the least of them; others as they are."""
    if values.dtype != np.int64 or not len(values):
        return values, 0
    least = int(values.min())
    return (values - least).astype(np.min_scalar_type(int(values.max()) - least)), least


def cluster_scores(
    cluster: Cluster,
    request: ScoringRequest,
    entry_shape: tuple[int, ...],
    rows: range,
    tally: Tally,
    ranges: ContextRange,
    follow: Callable[[int], None],
) -> Iterator[ScoredEntries]:
    """Yield the scores of a file in the blocks in which one process finds them.

    Args:
        cluster: to compute on.
        request: what.
        entry_shape: of an entry of the run.
        rows: the first of each part of the file that is read at once, and the end.
        tally: what is told of entries that are left out.
        ranges: what is told of entries with another context than was trained on.
        follow: told how many rows are done.
    """
    block = rows_at_once(entry_shape, "cpu" if request.is_cpu else request.device)
    with cluster_workers(cluster) as workers, progress("scoring", rows.stop, unit="rows") as advance:
        tasks = [ScoringTask(request, part, block) for part in shared_out(rows, block, workers.n_threads)]

        def parts() -> Iterator[ScoredEntries]:
            with closing(workers.in_order(score_rows, tasks)) as results:  # type: ignore[type-var]
                for task, found in zip(tasks, results, strict=True):
                    tally.add(found.dropped, found.left_out)
                    ranges.join(found.ranges)
                    advance(task.rows.stop - task.rows.start)
                    follow(task.rows.stop)
                    if (scored := found.scored) is not None:
                        yield scored

        rest: ScoredEntries | None = None
        for part in parts():
            together = part if rest is None else ScoredEntries.join([rest, part])
            whole = len(together) - len(together) % block
            yield from (together.rows(slice(first, first + block)) for first in range(0, whole, block))
            rest = together.rows(slice(whole, None)) if whole < len(together) else None
        if rest is not None:
            yield _last_block(workers, request, rest, rows, block)


def shared_out(rows: range, block: int, n_workers: int) -> list[range]:
    """Return the rows of each task: of whole blocks where a block is no more than is read at once, eight for a worker.

    The last block of a task is filled up, and of few large tasks one worker has one more than another.

    >>> from hepad.run.cluster_scoring import shared_out
    >>> [len(part) * part.step for part in shared_out(range(0, 4096, 4096), 256, n_workers=1)]
    [512, 512, 512, 512, 512, 512, 512, 512]
    """
    step = min(rows.step, max(block, rows.stop // (_TASKS_OF_A_WORKER * n_workers)))
    step -= step % block if step >= block else 0
    rows = range(rows.start, rows.stop, step)
    n_read = max(1, min(_MOST_READ, len(rows) // (_TASKS_OF_A_WORKER * n_workers)))
    return [range(first, min(first + n_read * step, rows.stop), step) for first in rows[::n_read]]


def _last_block(
    workers: Workers, request: ScoringRequest, rest: ScoredEntries, rows: range, block: int
) -> ScoredEntries:
    task = ScoringTask(request, range(int(rest.index[0]), rows.stop, rows.step), block, len(rest))
    (found,) = workers.in_order(score_rows, [task])
    scored = found.scored
    assert scored is not None
    return scored


@dataclass(frozen=True)
class _Loaded:
    """Things that a worker reads once for a command: the run, its reader and model, and the file, which stays open."""

    run: Run
    trained: dict[str, Any]
    data: AnomalyDataModule
    forward: Forward
    file: h5py.File


_held: Final = threading.local()


def _loaded(request: ScoringRequest) -> _Loaded:
    """Return what is read once for a command, by each thread of a worker; what it held of another is closed."""
    if getattr(_held, "command", None) != request.command:
        torch.set_num_threads(1)
        run = load_run(request.run_dir)
        data = reader_of_run(run, request.source, request.on_nonfinite)
        forward = Forward(run.model, scoring_device("cpu" if request.is_cpu else request.device))
        with getattr(_held, "stack", ExitStack()):
            _held.stack = ExitStack()
        file = _held.stack.enter_context(open_hdf5(request.source))
        # The command itself has looked through it.
        texts_are_sound(file)
        _held.command, _held.loaded = (
            request.command,
            _Loaded(run, read_provenance(run.trained_in), data, forward, file),
        )
    loaded: _Loaded = _held.loaded
    return loaded


def score_rows(task: ScoringTask) -> ScoredRows:
    """Read and score the entries of some rows, on a worker."""
    source, loaded, tally = task.request.source, _loaded(task.request), Tally()
    ranges = ContextRange(loaded.trained)
    parts = ranges.watched(tally.counted(read_entries(loaded.file, loaded.data, loaded.run, source, task.rows)))
    blocks = entry_blocks(parts, task.block) if task.last is None else iter([_last_entries(parts, task.last)])

    def prepare(block: Entries) -> Batch:
        batch = refuse_nonfinite(block, source)
        return batch if task.last else _filled(batch, task.block)

    with closing(loaded.forward.scores(blocks, prepare)) as found:  # type: ignore[type-var]
        scored = [ScoredEntries.of(block, score[: len(block)]) for block, score in found]
    return ScoredRows.of(scored, tally, ranges)


def _last_entries(parts: Iterator[Entries], n: int) -> Entries:
    (joined,) = entry_blocks(parts, 1 << 62)
    return joined.rows(np.arange(len(joined) - n, len(joined)))


def _filled(batch: Batch, size: int) -> Batch:
    """Return a batch of the full size of a block, its last entry repeated where there are fewer."""
    n = len(batch.x)
    return batch if n == size else take_rows(batch, torch.arange(size).clamp(max=n - 1))
