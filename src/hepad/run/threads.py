"""Number of threads of a run: sums are split over them, so equal bits need equally many."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch

from hepad.core.errors import UserError

MOST: Final = 4096
"""Threads of one process; far more end it without a word."""
_VARIABLE: Final = "OMP_NUM_THREADS"
_PER_CORE: Final = 16
_LAST_BITS: Final = "the last bits of its numbers may differ from those of a run that was never stopped"


@contextmanager
def threads_as_before(facts: Mapping[str, Any]) -> Iterator[None]:
    """Compute with as many threads as the run began with; say so where that is another number than now.

    Args:
        facts: the run's provenance; nothing changes where it names no number.
    """
    before, now = facts.get("threads"), torch.get_num_threads()
    if isinstance(before, int) and before > MOST:
        raise UserError(f"provenance.json: threads={before}: an integer from 1 to {MOST} is needed")
    if not isinstance(before, int) or before < 1 or before == now:
        yield
        return
    if before > max(now, _PER_CORE * (os.cpu_count() or 1)):
        # Starting them would end the process here, at the latest when memory for their stacks is gone.
        print(f"the run began with {_threads(before)}, too many for this machine: {_LAST_BITS}", flush=True)
        yield
        return
    with use_threads(before):
        if torch.get_num_threads() == before:
            print(f"going on with {_threads(before)}, as the run began (not {now}), for the same last bits", flush=True)
        else:
            here = torch.get_num_threads()
            print(f"the run began with {_threads(before)}, here there are {here}: {_LAST_BITS}", flush=True)
        yield


@contextmanager
def use_threads(number: int) -> Iterator[None]:
    """Compute with `number` threads, in this process and in those it starts, and put everything back."""
    threads, variable = torch.get_num_threads(), os.environ.get(_VARIABLE)
    torch.set_num_threads(number)
    os.environ[_VARIABLE] = str(number)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        os.environ.pop(_VARIABLE)
        if variable is not None:
            os.environ[_VARIABLE] = variable


def threads_of_each(n_processes: int) -> int:
    """Return the threads of each of the processes of a training: what the user has set, else a share of this one's."""
    threads = torch.get_num_threads()
    return threads if _VARIABLE in os.environ else max(1, threads // n_processes)


def _threads(number: int) -> str:
    return f"{number} thread{'' if number == 1 else 's'}"
