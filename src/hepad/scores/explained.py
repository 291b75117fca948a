"""Explanations of entries that are in memory, chunk by chunk."""

import copy
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, on_device
from hepad.core.errors import UserError
from hepad.models import AnomalyModel, Explanation, explain_scores
from hepad.scores.entry_arrays import EntryRows
from hepad.scores.entry_scores import cleared
from hepad.scores.forward import is_finite
from hepad.scores.slot_rules import SlotRule

_AT_ONCE: Final = 512


def explain_rows(
    model: AnomalyModel,
    device: torch.device,
    rows: EntryRows,
    slots: SlotRule | None,
    context: NDArray[np.float32] | None,
) -> Explanation:
    """Return the explanation of each entry, as `score_rows` takes them; NaN for single jets that are none.

    Raises:
        UserError: entries with NaN or inf, or none at all.
    """
    moved = model if device.type == "cpu" else copy.deepcopy(model).to(device)
    parts = []
    for start in range(0, len(rows), _AT_ONCE):
        array, real = cleared(rows.rows(start, start + _AT_ONCE), slots, start)
        if not is_finite(array):
            raise UserError(f"some of the entries {start} to {start + len(array) - 1} hold NaN or inf")
        has_slots = slots is not None and slots.has_slots
        batch = Batch(
            torch.from_numpy(array),
            torch.from_numpy(real) if real is not None and has_slots else None,
            context=None if context is None else torch.from_numpy(context[start : start + len(array)]),
        )
        found = explain_scores(moved, on_device(batch, device))
        values, score, begin = (each.float().cpu() for each in (found.values, found.score, found.start))
        if real is not None and not has_slots:
            values[torch.from_numpy(~real)] = torch.nan
            score[torch.from_numpy(~real)] = torch.nan
        parts.append(Explanation(values, score, begin, found.method))
    if not parts:
        raise UserError("there are no entries to explain")
    values, score, begin = (torch.cat([getattr(part, name) for part in parts]) for name in ("values", "score", "start"))
    return Explanation(values, score, begin, parts[0].method)
