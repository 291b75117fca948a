"""Line of a terminal that says what a command is doing, how far it is and how long it may take: never nothing.

There is one line for a process. In a batch log, a notebook or a pipe nothing of it is printed.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

_LINES_A_SECOND: Final = 5
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class JobCount:
    """Count of the jobs of a sweep that are done one after the other in this process.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.place, self.total = 0, 0
        self._n_here = 0
        self._began = self._job_began = clock()

    def expect(self, total: int, done: int = 0) -> None:
        """Say how many jobs there are, and how many of them are done."""
        self.place, self.total = done, total

    def begin(self) -> None:
        """Say that the next job begins."""
        self.place += 1
        self._n_here += 1
        self._job_began = self.clock()
        if self._n_here == 1:
            self._began = self._job_began

    def words(self) -> tuple[str, str]:
        """Return what stands before and behind the name of a job as far as known: `[3/12] `, `, about 1:20 left`."""
        before = f"[{self.place}/{self.total}] "
        if self._n_here < 2:
            return before, ""
        # The rest as long for each job as those before it took here.
        each = (self._job_began - self._began) / (self._n_here - 1)
        left = each * (self.total - self.place + 1) - (self.clock() - self._job_began)
        return before, f", about {minutes(max(0.0, left))} left"


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
        self._jobs: JobCount | None = None
        self._live: Live | None = None
        self._plain: tuple[Any, Any] = (sys.stdout, sys.stderr)

    def begin(self, phase: str) -> None:
        """Say what is being done from now on."""
        self.phase, self.detail, self._began = phase, str, self.clock()

    @contextmanager
    def counting(self, jobs: JobCount) -> Iterator[None]:
        """Say which job is done while the block runs jobs of a sweep."""
        self._jobs = jobs
        try:
            yield
        finally:
            self._jobs = None

    def begin_job(self) -> tuple[str, str]:
        """Say that a job begins; return what stands before and behind its name."""
        if self._jobs is None:
            return "", ""
        self._jobs.begin()
        return self._jobs.words()

    def text(self) -> str:
        """Return the line."""
        before, left = ("", "") if self._jobs is None or not self._jobs.place else self._jobs.words()
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
        live = Live(
            self,
            console=console,
            refresh_per_second=_LINES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        plain = sys.stdout, sys.stderr
        self._live, self._plain = live, plain
        try:
            with live, _streams(_Above(plain[0], console), _Above(plain[1], console)):
                yield self
        finally:
            self._live = None

    def end(self) -> None:
        """Take the line away for good: from here on the command speaks for itself, or waits for others."""
        if self._live is not None:
            self._live.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away while the block shows a bar of its own."""
        live, self._live = self._live, None
        if live is None:
            yield
            return
        live.stop()
        try:
            with _streams(*self._plain):
                yield
        finally:
            live.start(refresh=True)
            self._live = live


class _Above:
    """A stream whose lines are printed above the line of the phase, each whole, however long it is.

    Args:
        stream: a terminal.
        console: shows the line.
    """

    def __init__(self, stream: Any, console: "Console") -> None:
        self._stream = stream
        self._console = console
        self._begun = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Print what is complete of the text, and keep the rest until its line ends."""
        from rich.text import Text

        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            shown = Text("\n").join(Text.from_ansi(line) for line in lines)
            # Rich would wrap a path or a command, which could then not be copied.
            self._console.print(shown, soft_wrap=True)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what was printed; a line that is not complete waits."""
        self._stream.flush()

    def close_line(self) -> None:
        """Write what waits for the end of its line, as it is: the line of the phase is gone."""
        if self._begun:
            self._stream.write(self._begun)
            self._begun = ""


@contextmanager
def _streams(out: Any, err: Any) -> Iterator[None]:
    """Let these be the standard streams of Python in the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in (out, err):
            if isinstance(stream, _Above):
                stream.close_line()


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
