"""Number of threads that a training takes: no more than its steps have work for."""

from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from hepad.core.batch import Batch, take_rows
from hepad.models import AnomalyModel
from hepad.models.base import eval_mode

WORK: Final = 250e6
"""Floating-point operations of a step, forward and backward, that are worth a further thread."""

_ROWS: Final = 64


def threads_for(model: AnomalyModel, entries: Batch, batch_size: int, most: int) -> int:
    """Return how many threads a training step has work for, from 1 to `most`.

    Threads wait for each other at the end of every operation. Those of a dense autoencoder take microseconds: with two
    threads it trains at half the speed of one, and with those of a large machine at a tenth. The rule counts operations
    and measures nothing, so that the same training takes as many threads every time, and gives the same bits.

    Args:
        model: on the CPU.
        entries: of which some are scored, to count the operations.
        batch_size: entries of a step.
        most: threads that there are.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DenseAutoencoder
    >>> from hepad.steps.threads import threads_for
    >>> model = DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"})
    >>> threads_for(model, Batch(torch.zeros(64, 17)), batch_size=512, most=64)
    1
    >>> threads_for(model, Batch(torch.zeros(64, 17)), batch_size=1_000_000, most=64)
    19
    """
    some = take_rows(entries, slice(0, min(_ROWS, batch_size)))
    with FlopCounterMode(display=False) as counter, torch.no_grad(), eval_mode(model):
        model.score_batch(some)
    # Backwards there are two products for each forwards.
    work = 3 * counter.get_total_flops() * batch_size / len(some.x)
    return int(min(most, max(1.0, work // WORK)))
