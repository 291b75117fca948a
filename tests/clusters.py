"""A Dask cluster of two real processes for tests, tasks for it, and the death of one of its workers."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hepad.cluster import Cluster, Workers


@contextmanager
def two_workers() -> Iterator[Any]:
    """Start two workers, which stay for all tests that are given them."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster


def at(cluster: Any) -> Cluster:
    return Cluster(cluster.scheduler_address)


def kill_one_after_the_first_result(cluster: Any, patch: pytest.MonkeyPatch) -> list[int]:
    """Let a worker die by SIGKILL when the first result of a command arrives, while it has others in its hands.

    Returns:
        The processes killed; empty before it has happened.
    """
    killed: list[int] = []
    results = Workers.in_order

    def mortal(self: Workers, call: Callable[[Any], Any], tasks: Any) -> Iterator[Any]:
        for result in results(self, call, tasks):
            if not killed:
                killed.append(min(self._client.run(os.getpid).values()))
                os.kill(killed[0], signal.SIGKILL)
            yield result

    patch.setattr(Workers, "in_order", mortal)
    return killed


def slow_square(number: int) -> int:
    """Take the longer the smaller a number is, so that later tasks are done first."""
    time.sleep(0.2 / number)
    return number**2


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
