"""Figures drawn by other processes beside this one: the same pixels, sooner, where there are cores."""

import contextlib
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any, Final, Self

from hepad.plots.standard import StandardFigure
from hepad.plots.style import figure_bytes

MOST: Final = 3
"""Processes beside this one; a run has some twenty figures, and each process takes a second to start."""

# Its own directory stays off the path: that may be a stranger's run.
_COMMAND: Final = ("-P", "-c", "from hepad.plots.processes import serve; serve()")
_LENGTH: Final = 8


class DrawingProcesses:
    """Processes that draw figures beside this one, from their recipes; they import no torch.

    One that is killed, or cannot draw a figure, costs nothing but time: the figure is drawn in this process. They write
    no file, and end with this process, however that ends.

    >>> from functools import partial
    >>> from hepad.plots import StandardFigure, plot_learning_curves
    >>> from hepad.plots.processes import DrawingProcesses
    >>> recipe = partial(plot_learning_curves, {"val/loss": [1.0, 0.5, 0.4]})
    >>> with DrawingProcesses() as drawing:
    ...     [[png]] = drawing.draw([StandardFigure("curves", "Training", "Loss per epoch.", recipe)], ["png"])
    >>> png[1:4]
    b'PNG'
    """

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> None:
        """Start so many processes, at most `MOST`; they import what they need while this one does something else."""
        for _ in range(min(number, MOST)):
            # A session of its own: Ctrl-C in a terminal is for this process, which ends them.
            with contextlib.suppress(OSError):
                self.running.append(
                    subprocess.Popen(
                        [sys.executable, *_COMMAND],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; they hold nothing that could be lost."""
        for process in self.running:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                # Closing flushes what nobody reads any more.
                with contextlib.suppress(OSError):
                    stream and stream.close()
        self.running.clear()

    def draw(self, figures: Sequence[StandardFigure], formats: Sequence[str]) -> list[list[bytes]]:
        """Return for each figure its bytes in each format, in the order given.

        This process takes figures from the front, the others from the back.

        Raises:
            ValueError: a figure cannot be drawn, also not by this process.
        """
        found: dict[int, list[bytes]] = {}
        waiting = deque(range(len(figures)))
        threads = [
            threading.Thread(target=_ask, args=(process, figures, formats, waiting, found), daemon=True)
            for process in self.running
        ]
        for thread in threads:
            thread.start()
        _draw_here(figures, formats, waiting, found)
        for thread in threads:
            thread.join()
        # What a process did not bring back.
        _draw_here(figures, formats, waiting, found)
        return [found[i] for i in range(len(figures))]


def _draw_here(
    figures: Sequence[StandardFigure], formats: Sequence[str], waiting: deque[int], found: dict[int, list[bytes]]
) -> None:
    with contextlib.suppress(IndexError):
        while True:
            i = waiting.popleft()
            found[i] = drawn(figures[i], formats)


def _ask(
    process: subprocess.Popen[bytes],
    figures: Sequence[StandardFigure],
    formats: Sequence[str],
    waiting: deque[int],
    found: dict[int, list[bytes]],
) -> None:
    """Let a process draw figures until none is left, or until it fails."""
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            i = waiting.pop()
        except IndexError:
            return
        try:
            _send(process.stdin, (figures[i], list(formats)))
            found[i] = _receive(process.stdout)
        # Whatever it is, this process can draw.
        except Exception:
            waiting.append(i)
            return


def drawn(figure: StandardFigure, formats: Sequence[str]) -> list[bytes]:
    """Return a figure as the bytes of a file of each format."""
    made = figure.figure
    return [figure_bytes(made, format) for format in formats]


def _send(stream: IO[bytes], value: Any) -> None:
    content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(content).to_bytes(_LENGTH, "big") + content)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    size = stream.read(_LENGTH)
    if len(size) < _LENGTH:
        raise EOFError
    return pickle.loads(stream.read(int.from_bytes(size, "big")))


def serve() -> None:
    """Draw what comes through standard input until it ends, as it does with the process that started this one."""
    gc.freeze()
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not stand among the answers.
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _send(answers, drawn(*_receive(sys.stdin.buffer)))
