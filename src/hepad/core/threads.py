"""Work beside the main thread: a file read ahead and hashed, chunks computed by several threads in their order."""

import hashlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final, TypeVar

Item = TypeVar("Item")
Task = TypeVar("Task")
Result = TypeVar("Result")

_PATIENCE: Final = 0.1
_END: Final = object()


def usable_cores() -> int:
    """Return how many cores this process may use; where the system does not say (macOS, Windows), how many there are.

    >>> 1 <= usable_cores() <= os.cpu_count()
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    # Since Python 3.13; it heeds -X cpu_count too.
    count = getattr(os, "process_cpu_count", os.cpu_count)
    return count() or 1


def read_ahead(items: Iterable[Item], n: int = 2) -> Iterator[Item]:
    """Yield items that a thread of its own makes, at most `n` of them ahead; what it raises is raised here.

    Whoever may stop asking before the end closes the iterator (`contextlib.closing`), which waits for the item that is
    being made.

    >>> list(read_ahead(n * n for n in range(4)))
    [0, 1, 4, 9]
    """
    waiting: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(n)
    stop = threading.Event()

    def hand_over(item: Any, error: BaseException | None = None) -> bool:
        while not stop.is_set():
            try:
                waiting.put((item, error), timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            if all(hand_over(item) for item in items):
                hand_over(_END)
        except BaseException as error:
            hand_over(_END, error)

    thread = threading.Thread(target=copy_context().run, args=(make,), name="read_ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        thread.join()


def in_order(
    call: Callable[[Task], Result],
    tasks: Iterable[Task],
    n_threads: int,
    initializer: Callable[[], object] | None = None,
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, in their order, computed by several threads.

    Tasks are taken as they are needed. To be closed as `read_ahead` is.

    >>> [root for _, root in in_order(lambda n: n**0.5, [1, 4, 9], n_threads=2)]
    [1.0, 2.0, 3.0]
    """
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(n_threads, initializer=initializer)
    try:
        for task in tasks:
            # In the caller's context: what NumPy does on overflow is kept there.
            waiting.append((task, pool.submit(copy_context().run, call, task)))
            if len(waiting) > n_threads + 1:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


_BLOCK: Final = 1 << 20
_AHEAD: Final = 256 << 20


class FileHash:
    """SHA-256 of a file, taken by a thread while another reads the same file.

    The thread stays close to the reader, so that a file larger than the memory comes from the disk once: what either
    has read, the other finds in the system's cache. A pass of its own it is all the same, since HDF5 reads a file in
    another order, unpacks it, and leaves out what it does not need.

    Args:
        path: the file.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile() as file, FileHash(Path(file.name)) as digest:
    ...     digest.result()[:16]
    'e3b0c44298fc1c14'
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limit = _AHEAD
        self._n_read = 0
        self._may_go_on = threading.Condition()
        self._stopped = False
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "FileHash":
        self._size = os.path.getsize(self._path)
        self._found = self._pool.submit(self._hash)
        return self

    def __exit__(self, *error: object) -> None:
        self._go_on(stopped=True)
        self._pool.shutdown()

    def follow(self, fraction: float) -> None:
        """Let the thread follow a reader that has read a fraction of the file."""
        self._go_on(limit=int(fraction * self._size) + _AHEAD)

    def result(self) -> str:
        """Return the hash in hexadecimal, once all of the file is read."""
        self._go_on(limit=2 * self._size + _AHEAD)
        return self._found.result()

    def _go_on(self, limit: int = 0, stopped: bool = False) -> None:
        with self._may_go_on:
            self._limit = max(self._limit, limit)
            self._stopped |= stopped
            self._may_go_on.notify()

    def _is_wanted(self) -> bool:
        return self._stopped or self._n_read < self._limit or self._limit > self._size

    def _hash(self) -> str:
        found, buffer = hashlib.sha256(), bytearray(_BLOCK)
        view = memoryview(buffer)
        with self._path.open("rb", buffering=0) as file:
            while not self._stopped and (n := file.readinto(buffer)):
                found.update(view[:n])
                self._n_read += n
                with self._may_go_on:
                    self._may_go_on.wait_for(self._is_wanted)
        return found.hexdigest()
