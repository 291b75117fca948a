"""Scores of many entries by one pass through a model: chunks on all cores, or on a GPU while the next are sent."""

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.allocator import keep_freed_memory
from hepad.core.batch import Batch, on_device
from hepad.core.errors import UserError
from hepad.core.float32 import FLOAT32, exact_float32
from hepad.core.threads import in_order, read_ahead
from hepad.models import AnomalyModel

Task = TypeVar("Task")

_BYTES: Final = {"cpu": 3 << 19}
_GPU_BYTES: Final = 32 << 20
_MOST: Final = {"cpu": 16384}
_MOST_ON_GPU: Final = 1 << 17
_FEWEST: Final = 64
_FEWEST_BYTES: Final = 16 << 20

_MOST_THREADS: Final = 8
"""Between two operations a thread holds Python's lock; beyond this number of threads each takes several cores."""


def rows_at_once(entry_shape: tuple[int, ...], device: str = "cpu") -> int:
    """Return how many entries are scored at once, a power of two.

    On a CPU about a megabyte, which stays in a core's cache, on a GPU so many that the time to begin an operation does
    not count (docs/performance.md). The last bits of a score depend on it only where rows do not fill whole registers,
    which those of a power of two do.

    >>> rows_at_once((17,)), rows_at_once((1, 18, 14)), rows_at_once((4, 64, 64)), rows_at_once((17,), "cuda")
    (16384, 1024, 64, 131072)
    """
    size = 4 * math.prod(entry_shape)
    fitting = min(_BYTES.get(device, _GPU_BYTES) // size, _MOST.get(device, _MOST_ON_GPU))
    n = max(1, fitting, min(_FEWEST, _FEWEST_BYTES // size))
    return 1 << (n.bit_length() - 1)


def is_finite(values: NDArray[np.float32]) -> bool:
    """Return whether all numbers are finite, in one pass: NaN and inf make a sum what they are.

    >>> is_finite(np.ones(3, dtype=np.float32)), is_finite(np.array([1, np.inf, -np.inf], dtype=np.float32))
    (True, False)
    """
    if not values.size:
        return True
    tensor = torch.from_numpy(values)
    # A sum of finite numbers may be beyond the range.
    return math.isfinite(float(tensor.sum())) or bool(torch.isfinite(tensor).all())


DEVICES: Final = ("auto", "cpu", "gpu", "cuda", "mps")


def scoring_device(word: str = "auto") -> torch.device:
    """Return the device that a word stands for; `auto` is a GPU where there is one, as with `trainer.accelerator=auto`.

    Raises:
        UserError: another word, or a device that PyTorch does not find here.

    >>> scoring_device("cpu")
    device(type='cpu')
    """
    if word not in DEVICES:
        raise UserError(f"device={word}; allowed: {', '.join(DEVICES)}")
    there = [name for name, found in (("cuda", torch.cuda.is_available()), ("mps", _has_mps())) if found]
    if word == "cpu" or (word == "auto" and not there):
        return torch.device("cpu")
    wanted = there if word in ("auto", "gpu") else [name for name in there if name == word]
    if not wanted:
        raise UserError(f"device={word}: PyTorch finds no such device here; device=auto takes a GPU where there is one")
    return torch.device(wanted[0])


def _has_mps() -> bool:
    return bool(torch.backends.mps.is_available())


class Forward:
    """Scores of chunk after chunk.

    On a CPU each of several threads takes the next chunk and computes it on its own: operations on so few numbers end
    before a second core has begun to help. They hold Python's lock for little of their time. A model of a user's own
    may keep something of a batch, and is asked by one thread, with PyTorch's own threads inside its operations. On a
    GPU one chunk is prepared in memory that it reads by itself and sent, while another is computed and the scores of a
    third come back.

    Args:
        model: in eval mode, on the CPU; it stays there.
        device: where to compute.
    """

    def __init__(self, model: AnomalyModel, device: torch.device) -> None:
        keep_freed_memory()
        self.device = device
        self.model = model if device.type == "cpu" else copy.deepcopy(model).to(device)
        self.rows_at_once = rows_at_once(model.entry_shape, device.type)
        self.n_threads = 1
        models = [type(part) for part in model.modules() if isinstance(part, AnomalyModel)]
        if all(one.__module__.startswith("hepad.") for one in models) and model.precision == FLOAT32:
            self.n_threads = min(_MOST_THREADS, torch.get_num_threads())

    def scores(
        self, tasks: Iterable[Task], prepare: Callable[[Task], Batch]
    ) -> Iterator[tuple[Task, NDArray[np.float32]]]:
        """Yield each task with the scores of its entries, `(n,)`, in the order of the tasks.

        The iterator is to be closed where it may not be asked to its end (`contextlib.closing`).

        Args:
            tasks: what to make chunks of.
            prepare: makes a chunk of a task, on the CPU; it may be called in several threads.
        """
        with exact_float32():
            if self.device.type != "cpu":
                yield from self._on_device(tasks, prepare)
            elif self.n_threads == 1:
                yield from ((task, self._on_cpu(prepare(task))) for task in tasks)
            else:
                yield from self._in_threads(tasks, prepare)

    def _score(self, batch: Batch) -> torch.Tensor:
        with torch.inference_mode():
            return self.model.anomaly_score(batch).float()

    def _on_cpu(self, batch: Batch) -> NDArray[np.float32]:
        return np.asarray(self._score(batch).numpy())

    def _in_threads(
        self, tasks: Iterable[Task], prepare: Callable[[Task], Batch]
    ) -> Iterator[tuple[Task, NDArray[np.float32]]]:
        before = torch.get_num_threads()

        def take_cores() -> None:
            torch.set_num_threads(max(1, before // self.n_threads))

        computed = in_order(lambda task: self._on_cpu(prepare(task)), tasks, self.n_threads, take_cores)
        try:
            with closing(computed):  # type: ignore[type-var]
                yield from computed
        finally:
            torch.set_num_threads(before)

    def _on_device(
        self, tasks: Iterable[Task], prepare: Callable[[Task], Batch]
    ) -> Iterator[tuple[Task, NDArray[np.float32]]]:
        begin = _CudaLane(self.device, self._score).begin if self.device.type == "cuda" else self._begin
        is_cuda = self.device.type == "cuda"
        chunks = read_ahead((task, _pinned(prepare(task)) if is_cuda else prepare(task)) for task in tasks)
        waiting: deque[tuple[Task, Callable[[], NDArray[np.float32]]]] = deque()
        with closing(chunks):  # type: ignore[type-var]
            for task, batch in chunks:
                waiting.append((task, begin(batch)))
                if len(waiting) > 1:
                    first, finish = waiting.popleft()
                    yield first, finish()
        while waiting:
            first, finish = waiting.popleft()
            yield first, finish()

    def _begin(self, batch: Batch) -> Callable[[], NDArray[np.float32]]:
        score = self._score(on_device(batch, self.device))
        return lambda: np.asarray(score.cpu().numpy())


class _CudaLane:
    """Chunks on their way to a CUDA device, through it, and back, with none of the three waiting for another.

    Args:
        device: the device.
        score: computes the scores of a batch there.
    """

    def __init__(self, device: torch.device, score: Callable[[Batch], torch.Tensor]) -> None:
        self.device = device
        self.score = score
        self.copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def begin(self, batch: Batch) -> Callable[[], NDArray[np.float32]]:
        """Send a chunk and have it computed; return what waits for its scores."""
        compute = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self.copies):
            sent = on_device(batch, self.device, non_blocking=True)
        compute.wait_stream(self.copies)
        for field in sent:
            if field is not None:
                # Made on one stream and read on the other: its memory is not given away before that is done.
                field.record_stream(compute)
        score = self.score(sent)
        back = torch.empty(score.shape, dtype=score.dtype, pin_memory=True)
        back.copy_(score, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(compute)

        def finish() -> NDArray[np.float32]:
            done.synchronize()
            return np.asarray(back.numpy())

        return finish


def _pinned(batch: Batch) -> Batch:
    """Return a batch in memory that a GPU reads by itself, while the CPU does something else."""
    fields: list[Any] = [None if field is None else field.pin_memory() for field in batch]
    return Batch(*fields)
