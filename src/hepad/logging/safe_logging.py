"""Logging once a training is done: a logger that fails then costs a warning, never the run."""

import sys
from collections.abc import Callable, Sequence
from typing import ParamSpec

from lightning.pytorch.loggers import Logger

from hepad.core.outcome import one_line
from hepad.logging.loggers import finish

_Words = ParamSpec("_Words")


class SafeLogging:
    """Calls what logs; after the first failure, which is told once, nothing more is logged.

    Attributes:
        warnings: the failure as a sentence for the report; empty where there was none.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def __call__(self, log: Callable[_Words, None], *args: _Words.args, **kwargs: _Words.kwargs) -> None:
        """Call `log` with the arguments given, unless an earlier call failed."""
        if not self.warnings:
            self._try(lambda: log(*args, **kwargs))

    def finish(self, loggers: Sequence[Logger]) -> None:
        """Close the loggers' runs as finished, or as failed where something was not logged."""
        code = 1 if self.warnings else 0
        self._try(lambda: finish(loggers, exit_code=code))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        # Loggers talk to disks, processes and networks, each with exceptions of its own; the run is done without them.
        except Exception as error:
            if not self.warnings:
                print(f"warning: logging failed ({one_line(error)}); the run itself is complete", file=sys.stderr)
            self.warnings.append(f"Logging failed ({one_line(error)}): loggers do not hold all of this run.")
