"""Several blocks at a time, each by one thread."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")

_MOST: Final = 8
"""Between two operations a thread holds Python's lock; more threads than this would wait for it."""


def in_threads(call: Callable[[Task], Result], tasks: Sequence[Task], n_threads: int) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, in their order, computed by several threads with one core each.

    PyTorch's own number of threads is 1 meanwhile and what it was afterwards. Whoever stops asking, or raises, waits
    for the tasks that were begun, no more than one for each thread.
    """
    n_threads = min(n_threads, _MOST, len(tasks))
    if n_threads <= 1:
        for task in tasks:
            yield task, call(task)
        return
    before = torch.get_num_threads()
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        for task in tasks:
            waiting.append((task, pool.submit(call, task)))
            if len(waiting) == 2 * n_threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)
