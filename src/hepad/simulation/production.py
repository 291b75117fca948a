"""Samples of any size over several processes, one run at a time; what a killed run has made is used by the next.

Work is cut into chunks (see `hepad.simulation.chunks`). Finished chunks lie in `<output>/.chunks/<sample>` until
the sample is complete and its HDF5 file is written.
"""

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hepad.cluster import Cluster, Workers, cluster_workers
from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock
from hepad.core.progress import progress
from hepad.simulation.chunks import (
    ChunkTask,
    make_chunk_anywhere,
    make_sample_chunk,
    read_arrays,
    record_type,
    write_arrays,
)
from hepad.simulation.generator import import_simulation_package, write_minimum_bias_tables
from hepad.simulation.processes import PROCESSES
from hepad.simulation.records import Record
from hepad.simulation.sample_files import read_fingerprint, write_sample
from hepad.simulation.settings import Settings, check_directory, check_workers, sample_fingerprint

_CHUNKS: Final = ".chunks"
_PACKAGES: Final = ("pythia8mc", "awkward", "fastjet")


@dataclass(frozen=True)
class _Task:
    path: Path
    n: int
    arguments: tuple[Any, ...]


def simulate(
    settings: Settings, output: Path, workers: int | None = None, cluster: Cluster | None = None
) -> dict[str, Path]:
    """Make all samples of `settings` and return their files, `<output>/<sample>.h5`.

    `workers` is the number of processes (None: one per core), `cluster` whose workers take their place; neither changes
    the events. Finished files of the same settings are left as they are.
    Raises `UserError` for wrong input, before anything is made.
    """
    workers = check_workers(workers)
    for package in () if all(PROCESSES[sample].shower for sample in settings.n_events) else _PACKAGES:
        import_simulation_package(package)
    files = {sample: output / f"{sample}.h5" for sample in settings.n_events}
    check_directory("output", output)
    missing = [sample for sample, path in files.items() if not _is_finished(path, settings, sample)]
    if not missing:
        return files
    with TemporaryDirectory() as scratch, ExitStack() as stack:
        tables = Path(scratch) / "minimum_bias"
        if all(PROCESSES[sample].dijets or PROCESSES[sample].shower for sample in missing):
            tables.touch()
        else:
            write_minimum_bias_tables(tables)
        workplace = workers if cluster is None else stack.enter_context(cluster_workers(cluster))
        for sample in missing:
            _make_sample(settings, sample, files[sample], tables, workplace)
    return files


def _is_finished(path: Path, settings: Settings, sample: str) -> bool:
    if not path.exists():
        return False
    if read_fingerprint(path) != sample_fingerprint(settings, sample):
        raise UserError(
            f"{path} was made with other settings; choose another output=DIR, or remove the file to make it anew"
        )
    print(f"{sample}: {path} is there already, made with the same settings", flush=True)
    return True


def _make_sample(settings: Settings, sample: str, path: Path, tables: Path, workers: int | Workers) -> None:
    directory = path.parent / _CHUNKS / sample
    directory.mkdir(parents=True, exist_ok=True)
    fingerprint = sample_fingerprint(settings, sample)
    n_events, size = settings.n_events[sample], settings.chunk_size
    tasks = [
        _Task(
            directory / f"chunk_{chunk:05}.npz",
            min(size, n_events - start),
            (tables, settings, fingerprint, sample, chunk, min(size, n_events - start)),
        )
        for chunk, start in enumerate(range(0, n_events, size))
    ]
    with locked(directory):
        _run_tasks(sample, make_sample_chunk, tasks, fingerprint, workers)
        write_sample(path, settings, sample, _read_entries(tasks, fingerprint, record_type(sample)))
        shutil.rmtree(directory)
    if not any(directory.parent.iterdir()):
        directory.parent.rmdir()


def _read_entries(tasks: Sequence[_Task], fingerprint: str, kind: type[Record]) -> Iterator[Record]:
    for task in tasks:
        arrays = read_arrays(task.path, fingerprint)
        if arrays is None:
            raise RuntimeError(f"the chunk {task.path} is damaged; run the command again to make it anew")
        yield kind(**arrays)


def _run_tasks(
    title: str,
    work: Callable[..., int],
    tasks: Sequence[_Task],
    fingerprint: str,
    workers: int | Workers,
) -> None:
    """Do the tasks whose file is not there yet, over so many processes, or the workers of a cluster."""
    # What a killed worker was writing; nobody else writes here while the directory is locked.
    for path in tasks[0].path.parent.glob("*.tmp"):
        path.unlink()
    todo = [task for task in tasks if read_arrays(task.path, fingerprint) is None]
    total = sum(task.n for task in tasks)
    if not todo:
        return
    if isinstance(workers, Workers):
        _run_on_cluster(title, todo, total, fingerprint, workers)
        return
    # Fresh interpreters: forked copies of a process with threads can lock up.
    context = multiprocessing.get_context("spawn")
    with (
        progress(title, total, total - sum(task.n for task in todo)) as advance,
        ProcessPoolExecutor(min(workers, len(todo)), context, _start_worker) as executor,
    ):
        futures = [executor.submit(work, task.path, *task.arguments) for task in todo]
        try:
            for future in as_completed(futures):
                advance(future.result())
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _run_on_cluster(title: str, todo: Sequence[_Task], total: int, fingerprint: str, workers: Workers) -> None:
    """Let a cluster make chunks; their files are written here, so that a worker needs to reach no directory."""
    tables = todo[0].arguments[0].read_bytes()
    tasks = (ChunkTask(tables, *task.arguments[1:]) for task in todo)
    with (
        progress(title, total, total - sum(task.n for task in todo)) as advance,
        closing(workers.in_order(make_chunk_anywhere, tasks)) as made,  # type: ignore[type-var]
    ):
        for task, arrays in zip(todo, made, strict=True):
            write_arrays(task.path, arrays, fingerprint)
            advance(task.n)


def _start_worker() -> None:
    """Prepare a worker process: it ends with the parent even if that is killed."""
    # On Ctrl-C the parent decides; workers finish their chunk.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: (wait([sentinel]), os._exit(1)), daemon=True).start()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory`; raises `UserError` if another process does. It goes when the process ends.

    On a file system without locks a warning says that a second process is not kept out (`hepad.core.file_locks`).
    """
    try:
        lock = hold_lock(directory / ".lock")
    except OSError as error:
        raise UserError(f"cannot lock {directory}: {error.strerror}; choose another output=DIR") from error
    if lock is None:
        raise UserError(f"another simulation is at work in {directory}; wait for it, or choose another output=DIR")
    try:
        yield
    finally:
        lock.release()
