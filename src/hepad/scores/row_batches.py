"""Batches of entries that are in memory, and what a model makes of each entry beside its score."""

import copy
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.batch import Batch, on_device
from hepad.core.errors import UserError
from hepad.core.float32 import computed_in, exact_float32
from hepad.models import AnomalyModel, eval_mode
from hepad.scores.entry_arrays import EntryRows
from hepad.scores.entry_scores import cleared
from hepad.scores.forward import is_finite
from hepad.scores.slot_rules import SlotRule

AT_ONCE: Final = 512


def row_batches(
    rows: EntryRows, slots: SlotRule | None, context: NDArray[np.float32] | None
) -> Iterator[tuple[Batch, NDArray[np.bool_] | None]]:
    """Yield batches of entries, and of single jets which are real, `(n,)`; None where all are.

    Args:
        rows: the entries.
        slots: tells which slots, or single jets, are real; None where all are.
        context: `(N, K)`; None for a model that is not conditioned.

    Raises:
        UserError: entries with NaN or inf, or that do not tell their empty slots.
    """
    for start in range(0, len(rows), AT_ONCE):
        array, real = cleared(rows.rows(start, start + AT_ONCE), slots, start)
        if not is_finite(array):
            raise UserError(f"some of the entries {start} to {start + len(array) - 1} hold NaN or inf")
        has_slots = slots is not None and slots.has_slots
        batch = Batch(
            torch.from_numpy(array),
            torch.from_numpy(real) if real is not None and has_slots else None,
            context=None if context is None else torch.from_numpy(context[start : start + len(array)]),
        )
        yield batch, None if has_slots else real


def map_rows(
    function: Callable[[AnomalyModel, Batch], Tensor],
    model: AnomalyModel,
    device: torch.device,
    rows: EntryRows,
    slots: SlotRule | None,
    context: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Return what a model makes of each entry, `(N, …)`, computed as scores are; NaN for single jets that are none.

    Args:
        function: of the model, on the device, and a batch.
        model: the model.
        device: where to compute.
        rows, slots, context: see `row_batches`.

    Raises:
        UserError: entries with NaN or inf, or none at all.
    """
    moved = model if device.type == "cpu" else copy.deepcopy(model).to(device)
    found = []
    with torch.no_grad(), eval_mode(moved), exact_float32(), computed_in(moved.precision, device.type):
        for batch, real in row_batches(rows, slots, context):
            values = function(moved, on_device(batch, device)).float().cpu().numpy()
            if real is not None:
                values[~real] = np.nan
            found.append(values)
    if not found:
        raise UserError("there are no entries")
    return np.concatenate(found)
