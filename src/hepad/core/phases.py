"""Line of a terminal that says what a command is doing, how far it is and how long it may take: never nothing.

There is one line for a process. In a batch log, a notebook or a pipe nothing of it is printed.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_LINES_A_SECOND: Final = 5
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class PhaseLine:
    """The line, and what stands in it.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.phase = ""
        self.detail: Callable[[], str] = str
        self._began = clock()
        self._jobs: list[str] = []
        self._place = 0
        self._jobs_began = self._jobs_done_at = clock()
        self._live: Live | None = None

    def begin(self, phase: str) -> None:
        """Say what is being done from now on."""
        self.phase, self.detail, self._began = phase, str, self.clock()

    def begin_jobs(self, names: Sequence[str]) -> None:
        """Count the jobs of a sweep, which are done one after the other in this process."""
        self._jobs, self._place, self._jobs_began = list(names), 0, self.clock()
        self._jobs_done_at = self._jobs_began

    def begin_job(self, name: str) -> None:
        """Say which of the jobs begins; one that is none of them changes nothing."""
        if name in self._jobs:
            self._place = self._jobs.index(name) + 1
            self._jobs_done_at = self.clock()

    def job_words(self) -> tuple[str, str]:
        """Return what stands before and behind the name of a job as far as known: `[3/12] `, `, about 1:20 left`."""
        left = self.sweep_left()
        before = f"[{self._place}/{len(self._jobs)}] " if self._place else ""
        return before, "" if left is None else f", about {minutes(left)} left"

    def sweep_left(self) -> float | None:
        """Return about how many seconds the sweep takes from now on; None until one of its jobs is done."""
        done = self._place - 1
        if done < 1:
            return None
        each = (self._jobs_done_at - self._jobs_began) / done
        return max(0.0, self._jobs_began + each * len(self._jobs) - self.clock())

    def text(self) -> str:
        """Return the line."""
        before, left = self.job_words()
        detail = self.detail() or minutes(self.clock() - self._began)
        return f"{before}{self.phase} · {detail}" + left.replace(", ", " · sweep ", 1)

    def __rich__(self) -> "Text":
        from rich.text import Text

        frame = _FRAMES[int(self.clock() * _LINES_A_SECOND) % len(_FRAMES)]
        return Text(f"{frame} {self.text()}", no_wrap=True, overflow="ellipsis")

    @contextmanager
    def shown(self, phase: str) -> Iterator["PhaseLine"]:
        """Show the line in a terminal while the block runs, and leave nothing of it behind."""
        self.begin(phase)
        # Rich refreshes from a thread of its own; the line within another is the same line.
        if self._live is not None or not _in_a_terminal():
            yield self
            return
        # Imported here: no word of help or refusal waits for it.
        from rich.console import Console
        from rich.live import Live

        console = Console(file=sys.stdout)
        self._live = Live(self, console=console, refresh_per_second=_LINES_A_SECOND, transient=True)
        try:
            with self._live:
                yield self
        finally:
            self._live = None

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away while the block shows a bar of its own."""
        live, self._live = self._live, None
        if live is None:
            yield
            return
        live.stop()
        try:
            yield
        finally:
            live.start(refresh=True)
            self._live = live


def minutes(seconds: float) -> str:
    """Return seconds as minutes and seconds, with hours where there are some.

    >>> minutes(83.4), minutes(3725)
    ('1:23', '1:02:05')
    """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _in_a_terminal() -> bool:
    # Of several processes that train one run the first one has the terminal.
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    return first and sys.stdout.isatty() and threading.current_thread() is threading.main_thread()


PHASES: Final = PhaseLine()
"""The line of this process."""
