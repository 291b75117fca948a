"""Tasks on the workers of a Dask cluster: in order, some ahead, again where a worker is lost."""

import ctypes
import logging
import pickle
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib import metadata
from typing import Any, Final, TypeVar

from hepad import __version__
from hepad.cluster.jobs import submitted
from hepad.cluster.request import LOCAL, Cluster
from hepad.core.errors import JobError, UserError, one_line
from hepad.core.late_import import import_late, importing

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD: Final = 3
"""Tasks in the hands of a worker, or done and waiting for their turn: memory stays flat."""
_ANSWER_SECONDS: Final = 10
_BETWEEN_LOOKS: Final = 0.2
_COMPARED: Final = ("numpy", "h5py", "torch", "pythia8mc", "uproot")
"""Packages of which a worker must have the same version, or the bits would not be the same."""


class Workers:
    """Workers of a cluster that is open.

    Args:
        client: Dask's.
        name: of the cluster, for messages.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def in_order(self, call: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield `call(task)` of each task in their order, computed by the workers, some ahead.

        What a lost worker was doing, or had done and not yet given away, is done again by another. Whoever may stop
        asking before the end closes the iterator (`contextlib.closing`).

        Args:
            call: a function that the workers can import; it depends on its task alone.
            tasks: what can be pickled.

        Raises:
            JobError: the scheduler is gone, or a task ends one worker after the other.
            Exception: what a task raised, as soon as its turn has come.
        """
        remaining = iter(tasks)
        waiting: deque[Any] = deque()
        try:
            while True:
                for task in remaining:
                    waiting.append(self._submit(pickle.dumps((call, task))))
                    if len(waiting) >= self._most_waiting():
                        break
                if not waiting:
                    return
                future = waiting.popleft()
                result = self._result(future)
                # Nothing is kept of it on the workers.
                del future
                yield result
        finally:
            # A scheduler that is gone has nothing left to cancel.
            with suppress(OSError, JobError), self._of_a_scheduler():
                self._client.cancel(list(waiting))

    def _submit(self, pickled: bytes) -> Any:
        with self._of_a_scheduler():
            return self._client.submit(_run_task, pickled, _versions(), pure=False)

    @contextmanager
    def _of_a_scheduler(self) -> Iterator[None]:
        """Raise `JobError` where the client was closed meanwhile: Dask then raises a bare `Exception`."""
        try:
            yield
        except Exception as error:
            if self._client.status == "running":
                raise
            raise self._lost() from error

    @property
    def n_threads(self) -> int:
        """Number of tasks that are done at a time, by the workers that are there now; at least 1."""
        try:
            found: int = sum(self._client.nthreads().values())
        except OSError as error:
            raise self._lost() from error
        return max(1, found)

    def _most_waiting(self) -> int:
        return _AHEAD * self.n_threads + 1

    def _result(self, future: Any) -> Any:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise JobError(
                f"a task has ended {error.allowed_failures + 1} workers of cluster={self._name}, one after the other; "
                "did they run out of memory?"
            ) from error
        except ModuleNotFoundError as error:
            raise UserError(
                f"cluster={self._name}: a worker has no module {error.name}; start the workers in the environment of "
                "this command"
            ) from error
        except (Exception, CancelledError) as error:
            if future.status == "error":
                # The task's own.
                raise
            raise self._lost() from error

    def _lost(self) -> JobError:
        return JobError(f"the scheduler of cluster={self._name} is gone; give the command again")


@contextmanager
def cluster_workers(cluster: Cluster) -> Iterator[Workers]:
    """Start the workers of a cluster, or join those that are there; what was started ends with the block.

    Raises:
        UserError: what listens at an address is no scheduler.
    """
    from distributed import Client

    # What it says of workers that come and go is no news of ours.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        where: Any = cluster.word
        refusals: list[str] = []
        if cluster.word == LOCAL:
            where = stack.enter_context(_local(cluster.workers))
        elif not cluster.is_address:
            where, refusals = stack.enter_context(submitted(cluster))
        try:
            client = stack.enter_context(Client(where, timeout=_ANSWER_SECONDS))
        except (OSError, ValueError) as error:
            raise UserError(
                f"cluster={cluster.word}: the scheduler does not answer ({one_line(error)}); is it of the same version?"
            ) from error
        _wait_for_worker(client, cluster, refusals)
        yield Workers(client, cluster.word)


def _wait_for_worker(client: Any, cluster: Cluster, refusals: list[str]) -> None:
    if client.nthreads():
        return
    print(f"waiting for the first worker of cluster={cluster.word}", flush=True)
    while not client.nthreads():
        if refusals:
            raise UserError(f"cluster={cluster.word}: {refusals[0]}")
        time.sleep(_BETWEEN_LOOKS)


def _local(n: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=n,
        threads_per_worker=1,
        # Memory is bounded by the tasks; a limit of Dask's would stop workers on small machines.
        memory_limit=None,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _run_task(pickled: bytes, versions: dict[str, str]) -> Any:
    """Do one task, on a worker: what it imports is imported in a command's way, and only by a worker that is alike."""
    here = _versions()
    for package in ("hepad", *_COMPARED):
        if versions.get(package) != here.get(package):
            raise UserError(
                f"the workers have {package} {here.get(package)}, this command {versions.get(package)}: start them in "
                "the same environment"
            )
    _keep_memory()
    import_late()
    with importing():
        call, task = pickle.loads(pickled)
    return call(task)


@cache
def _keep_memory() -> None:
    """Let this worker use freed memory again: Dask has it given back at once, and fetching it costs as much as scoring.

    Thresholds of glibc's malloc (`mallopt`): M_TRIM_THRESHOLD is -1, M_MMAP_THRESHOLD -3, of at most 32 MiB.
    """
    if hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(-1, 1 << 28)
        library.mallopt(-3, 1 << 25)


@cache
def _versions() -> dict[str, str]:
    """Return the versions of what decides the bits of a result; packages that are not installed are left out."""
    found = {"hepad": __version__}
    for package in _COMPARED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
