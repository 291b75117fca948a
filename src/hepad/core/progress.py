"""Progress of a long job: a bar in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hepad.core.phases import PHASES

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(title: str, total: int, done: int = 0, unit: str = "events") -> Iterator[Callable[[int], None]]:
    """Show the progress of `total` things, `done` of which were there before.

    Gives a function to call with the number of things that are newly done.

    Args:
        title: what is going on.
        total, done: how many.
        unit: what is counted.
    """
    show = _bar if sys.stdout.isatty() else _lines
    with show(title, total, done, unit) as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int, done: int, unit: str) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    started, made = time.monotonic(), 0
    with PHASES.hidden(), Progress(*columns, console=Console(file=sys.stdout), transient=True) as bar:
        task = bar.add_task(title, total=total, completed=done, rate="")

        def advance(n: int) -> None:
            nonlocal made
            made += n
            bar.update(task, advance=n, rate=f"{made / (time.monotonic() - started):.0f} {unit}/s")

        yield advance


@contextmanager
def _lines(title: str, total: int, done: int, unit: str) -> Iterator[Callable[[int], None]]:
    started = shown = time.monotonic()
    made = 0
    if done:
        print(f"{title}: {done} of {total} {unit} were there already", flush=True)

    def advance(n: int) -> None:
        nonlocal made, shown
        made += n
        now = time.monotonic()
        left = total - done - made
        if left == 0 or now - shown > _SECONDS_BETWEEN_LINES:
            shown = now
            rate = made / max(now - started, 1e-9)
            print(
                f"{title}: {done + made} of {total} {unit}, {rate:.0f} {unit}/s, {left / rate:.0f} s left",
                flush=True,
            )

    yield advance
