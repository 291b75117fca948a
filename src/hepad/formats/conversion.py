"""Conversion of files of any known format to one HDF5 file of hepad: planned, read in parts, written in order."""

import multiprocessing
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from hepad import __version__
from hepad.cluster import Cluster, Workers, cluster_workers
from hepad.core.errors import JobError, UserError
from hepad.core.hdf5 import write_hdf5
from hepad.core.progress import progress
from hepad.core.remote import InputFile
from hepad.core.schema import PART_DATASET
from hepad.formats.applying import Made, apply, checked_row
from hepad.formats.converted_file import ConvertedFile
from hepad.formats.parts import Parts, file_facts, read_part, write_part
from hepad.formats.planning import OpenFile, Request, Step, plan_steps
from hepad.formats.side_files import read_labels, read_lumi_mask
from hepad.formats.source import Source

_NO_NEWS: Final = ("entries", "events read")
_NAMES: Final = 20
_AHEAD: Final = 2
_NO_PARTS_FOR: Final = 1.0
"""Seconds whose work a conversion that is killed may do again: keeping it would cost a tenth of them."""


@dataclass(frozen=True)
class Converted:
    """Result of a conversion.

    Attributes:
        preset: the format.
        entries: how many were written.
        lacking: columns of the format that the files do not have.
        counts: what happened to how many, in words; those that are 0 left out.
        found_parts: parts that an earlier conversion had left.
        title, use, of_events: of the format, the words of a training, and whether entries are events.
    """

    preset: str
    entries: int
    lacking: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    found_parts: int = 0
    title: str = ""
    use: str = ""
    of_events: bool = True


def convert_files(
    files: Sequence[InputFile], target: Path, request: Request, quiet: bool = True, cluster: Cluster | None = None
) -> Converted:
    """Write what files hold as one HDF5 file that `hepad.train` reads; it appears when it is whole.

    A conversion that was killed leaves its parts in a hidden directory beside the file; the same request goes on from
    them.

    Args:
        files: of one format, in this order.
        target: the file to write.
        request: how.
        quiet: show no progress.
        cluster: whose workers read; None for processes of this machine. The bytes are the same.

    Raises:
        UserError: a file that cannot be read, of no known format, or with other columns than the others.

    >>> from hepad.formats import Request
    >>> Request(format="nanoaod", sample="ttbar").on_missing
    'leave_out'
    """
    with OpenFile(request) as opened:
        return _convert(files, target, opened, quiet, cluster)


def _convert(
    files: Sequence[InputFile], target: Path, opened: OpenFile, quiet: bool, cluster: Cluster | None
) -> Converted:
    request = opened.request
    steps = plan_steps(files, request, opened)
    what = ", ".join(map(str, files[:3]))
    if not steps:
        raise UserError(f"{what} holds no events")
    plan = steps[0].plan
    asked = {"request": asdict(replace(request, workers=1)), "steps": repr(steps), "version": __version__}
    parts = Parts(target, {**asked, "files": list(file_facts(files))})
    counts: Counter[str] = Counter()
    try:
        with write_hdf5(parts.whole, named=target) as file, ExitStack() as stack:
            n_rows = sum(step.stop - step.start for step in steps)
            advance = None if quiet else stack.enter_context(progress("converting", n_rows))
            out = stack.enter_context(ConvertedFile(file, plan, same_anywhere=request.direct))
            part_of = dict(zip(files, request.parts or (), strict=request.parts is not None))
            workers = None if cluster is None else stack.enter_context(cluster_workers(cluster))
            made_steps = stack.enter_context(closing(_labelled(steps, parts, opened, workers)))  # type: ignore[type-var]
            for step, made in zip(steps, made_steps, strict=True):
                out.add({**made.arrays, **_part(part_of.get(step.path), made.counts["entries"])})
                counts.update(made.counts)
                if advance is not None:
                    advance(step.stop - step.start)
            out.finish()
            if not out.n_rows:
                raise UserError(f"{what}: no events are left by the selection")
            names = ", ".join(path.name for path in files[:_NAMES])
            file.attrs.update({"sample": request.sample, "source": names, "format": plan.preset.name})
            if not request.direct:
                file.attrs["hepad_version"] = __version__
        parts.whole.replace(target)
    except UserError:
        parts.remove()
        raise
    parts.remove()
    lacking = {name for step in steps for place, name in step.plan.lacking.items() if not place.startswith("rows.")}
    return Converted(
        preset=plan.preset.name,
        entries=out.n_rows,
        lacking=tuple(sorted(lacking)),
        counts={name: number for name, number in counts.items() if number and name not in _NO_NEWS},
        found_parts=parts.found,
        title=plan.preset.title,
        use=plan.preset.use,
        of_events=plan.preset.of is None,
    )


def _part(number: int | None, n_entries: int) -> dict[str, NDArray[np.uint8]]:
    """Return what the entries of a file are for, as a data set."""
    return {} if number is None else {PART_DATASET: np.full(n_entries, number, dtype=np.uint8)}


def _labelled(steps: Sequence[Step], parts: Parts, opened: OpenFile, workers: Workers | None) -> Iterator[Made]:
    """Yield the rows of all steps in order, with the truth of a file of its own."""
    request = opened.request
    if request.labels is None:
        yield from _made(steps, parts, opened, workers)
        return
    labels = read_labels(Path(request.labels))
    n_rows = sum(step.stop - step.start for step in steps)
    plan = steps[0].plan
    if plan.select or plan.preset.of or request.lumi_mask:
        raise UserError("labels: one for each row of the input; leave select, lumi_mask and entries out")
    if len(labels) != n_rows and (request.limit is None or len(labels) < n_rows):
        raise UserError(
            f"labels={request.labels} has {len(labels)} lines, the input {n_rows} rows; one for each is needed"
        )
    first = 0
    for made in _made(steps, parts, opened, workers):
        n_made = made.counts["events read"]
        yield Made({**made.arrays, "label": labels[first : first + n_made]}, made.counts)
        first += n_made


def _made(steps: Sequence[Step], parts: Parts, opened: OpenFile, workers: Workers | None) -> Iterator[Made]:
    """Yield the rows of all steps in order: those on disk, and those that are made now."""
    request = opened.request
    paths = [parts.path(index) for index in range(len(steps))]
    if workers is not None:
        yield from _made_on_cluster(steps, paths, request, workers)
        return
    if request.workers > 1 and len(steps) > 1:
        yield from _made_by_workers(steps, paths, request)
        return
    # Some steps ahead: unpacking a ROOT file and packing HDF5 keep two cores busy.
    parts_from = time.monotonic() + _NO_PARTS_FOR
    with ThreadPoolExecutor(1) as ahead:
        waiting: deque[Future[Made]] = deque()
        for step, path in zip(steps, paths, strict=True):
            waiting.append(ahead.submit(_made_or_found, opened, step, path if len(steps) > 1 else None, parts_from))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _made_or_found(opened: OpenFile, step: Step, path: Path | None, parts_from: float = 0) -> Made:
    """Return the rows of a step, kept as a part from a time on."""
    if path is not None and (found := read_part(path)) is not None:
        return found
    made = _make(opened.of(step), step, opened.request)
    if path is not None and time.monotonic() >= parts_from:
        write_part(path, made)
    return made


def _made_by_workers(steps: Sequence[Step], paths: Sequence[Path], request: Request) -> Iterator[Made]:
    # Not forked: HDF5, uproot's threads and torch would not survive that.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(request.workers, mp_context=context)
    try:
        waiting = [pool.submit(_make_part, step, path, request) for step, path in zip(steps, paths, strict=True)]
        for step, path, future in zip(steps, paths, waiting, strict=True):
            future.result()
            found = read_part(path)
            if found is None:
                raise JobError(f"cannot read {path}, which was written a moment ago ({step.path}); is the disk full?")
            yield found
    except BrokenProcessPool as error:
        raise JobError("a process that reads was killed; the same command goes on where it was") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _made_on_cluster(
    steps: Sequence[Step], paths: Sequence[Path], request: Request, workers: Workers
) -> Iterator[Made]:
    """Yield the rows of all steps; parts are written here, so that a worker needs to reach the sources alone."""
    found = [read_part(path) is not None for path in paths]
    request, command = request.seen_from_anywhere(), uuid4().hex
    todo = [
        replace(step, path=step.path.absolute()) for step, is_there in zip(steps, found, strict=True) if not is_there
    ]
    tasks = [(command, step, request) for step in todo]
    with closing(workers.in_order(_make_anywhere, tasks)) as results:  # type: ignore[type-var]
        for path, is_there in zip(paths, found, strict=True):
            made = read_part(path) if is_there else next(results)
            if made is None:
                raise JobError(f"cannot read {path}, which was there a moment ago")
            if not is_there:
                write_part(path, made)
            yield made


def _make_anywhere(task: tuple[str, Step, Request]) -> Made:
    """Make the rows of one step, on a worker of a cluster."""
    command, step, request = task
    return _make(_open_file(command, request).of(step), step, request)


def _make(source: Source, step: Step, request: Request) -> Made:
    mask = None if request.lumi_mask is None else read_lumi_mask(Path(request.lumi_mask))
    try:
        made = apply(step.plan, source.read(step.plan.sources, step.start, step.stop), step.start, mask)
        if request.direct:
            return made
        return Made({name: checked_row(name, rows, step.start) for name, rows in made.arrays.items()}, made.counts)
    except UserError as error:
        raise UserError(str(error) if str(source.path) in str(error) else f"{source.path}: {error}") from error


def _make_part(step: Step, part: Path, request: Request) -> None:
    """Make one part, in a process of its own."""
    _made_or_found(_open_file("", request), step, part)


_held: Final = threading.local()


def _open_file(command: str, request: Request) -> OpenFile:
    """Return what holds a worker's file open for the next step of a command; that of another command is closed."""
    if getattr(_held, "command", None) != command:
        with getattr(_held, "opened", ExitStack()):
            _held.command, _held.opened = command, OpenFile(request)
    opened: OpenFile = _held.opened
    return opened
