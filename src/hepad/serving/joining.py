"""Requests that wait, scored together: the next free thread takes all of them that are small."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from hepad.core.errors import UserError
from hepad.serving.batches import Columns, GivenBatch

_SMALL: Final = 1 << 16
"""Bytes of bodies that are taken together; a larger one is taken alone."""


class Asked(NamedTuple):
    """One request that was read.

    Attributes:
        body: the entries as they came.
        media: in which form.
        wanted: in which form the scores are wanted.
    """

    body: bytes
    media: str
    wanted: str


Answer = bytes | Exception


class Joined:
    """Requests on their way to threads; asked from one event loop.

    A thread that is free takes what waits, at once: nobody waits for others to come. Small requests go to one thread at
    a time, all that wait together, as two would wait for Python's lock in turns: each waits for one pass at most, and
    the time that a pass takes, however few entries it has, is shared. Other threads are for large requests, one each.

    Args:
        work: answers requests, in their order; what it cannot answer is an exception.
        pool: threads that do it.
        n_threads: how many of them.
    """

    def __init__(self, work: Callable[[Sequence[Asked]], list[Answer]], pool: Executor, n_threads: int) -> None:
        self.work, self.pool, self.n_threads = work, pool, n_threads
        self.busy, self.small_busy = 0, False
        self.waiting: deque[tuple[Asked, asyncio.Future[bytes]]] = deque()

    async def answer(self, asked: Asked) -> bytes:
        """Return the answer to a request, or raise what `work` gave for it."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        while self.busy < self.n_threads and (taken := self._take()):
            self.busy += 1
            small = _is_small(taken[0][0])
            self.small_busy |= small
            done = asyncio.get_running_loop().run_in_executor(self.pool, self.work, [each for each, _ in taken])
            done.add_done_callback(partial(self._end, [future for _, future in taken], small))

    def _take(self) -> list[tuple[Asked, asyncio.Future[bytes]]]:
        """Return what the next thread does, and take it from those that wait: one large request, or small ones."""
        first = next((each for each in self.waiting if not (self.small_busy and _is_small(each[0]))), None)
        if first is None:
            return []
        if not _is_small(first[0]):
            self.waiting.remove(first)
            return [first]
        taken: list[tuple[Asked, asyncio.Future[bytes]]] = []
        size = 0
        for each in [each for each in self.waiting if _is_small(each[0])]:
            size += len(each[0].body)
            if taken and size > _SMALL:
                break
            self.waiting.remove(each)
            taken.append(each)
        return taken

    def _end(self, futures: Sequence[asyncio.Future[bytes]], small: bool, done: asyncio.Future[list[Answer]]) -> None:
        self.busy -= 1
        self.small_busy &= not small
        failed = None if done.cancelled() else done.exception()
        answers: Sequence[Any] = [failed] * len(futures) if failed or done.cancelled() else done.result()
        for future, answer in zip(futures, answers, strict=True):
            # A client that has gone waits no more.
            if future.done():
                continue
            if answer is None:
                future.cancel()
            elif isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._begin()


def _is_small(asked: Asked) -> bool:
    return len(asked.body) <= _SMALL


def score_together(score: Callable[[GivenBatch], Columns], batches: Sequence[GivenBatch]) -> list[Columns | UserError]:
    """Return the scores of each batch, or why it has none; what has one form is scored in one pass.

    Args:
        score: makes the columns of a batch.
        batches: of several requests.

    >>> import numpy as np
    >>> from hepad.serving.batches import GivenBatch
    >>> from hepad.serving.joining import score_together
    >>> def sums(batch):
    ...     return {"score": batch.entries.sum(axis=1)}
    >>> score_together(sums, [GivenBatch(np.ones((n, 3), np.float32)) for n in (1, 2)])
    [{'score': array([3.], dtype=float32)}, {'score': array([3., 3.], dtype=float32)}]
    """
    found: list[Columns | UserError | None] = [None] * len(batches)
    forms: dict[Any, list[int]] = {}
    for i, batch in enumerate(batches):
        forms.setdefault(_form(batch, i), []).append(i)
    for places in forms.values():
        together = [batches[i] for i in places]
        try:
            columns = score(_concatenated(together))
        except UserError as error:
            # Of one request, whose reason is not that of the others.
            alone = (
                [error]
                if len(places) == 1
                else [found for i in places for found in score_together(score, [batches[i]])]
            )
            for i, each in zip(places, alone, strict=True):
                found[i] = each
            continue
        ends = np.cumsum([len(batch.entries) for batch in together])[:-1]
        parts = {name: np.split(values, ends) for name, values in columns.items()}
        for k, i in enumerate(places):
            found[i] = {name: values[k] for name, values in parts.items()}
    return [each for each in found if each is not None]


def _form(batch: GivenBatch, i: int) -> Any:
    """Return what batches that are scored together have in common; of a batch that must be alone, its place."""
    shapes = []
    for values in (batch.mask, batch.context):
        if values is not None and (np.ndim(values) == 0 or len(values) != len(batch.entries)):
            return i
        shapes.append(None if values is None else np.shape(values)[1:])
    names = None if batch.features is None else tuple(batch.features)
    return names, batch.entries.shape[1:], *shapes


def _concatenated(batches: Sequence[GivenBatch]) -> GivenBatch:
    if len(batches) == 1:
        return batches[0]

    def joined(values: Iterable[Any]) -> Any:
        given = list(values)
        return None if given[0] is None else np.concatenate(given)

    return GivenBatch(
        joined(batch.entries for batch in batches),
        batches[0].features,
        joined(batch.mask for batch in batches),
        joined(batch.context for batch in batches),
    )
