"""Explanations of entries that are in memory, chunk by chunk."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import on_device
from hepad.core.errors import UserError
from hepad.models import AnomalyModel, Explanation, explain_scores
from hepad.scores.entry_arrays import EntryRows
from hepad.scores.row_batches import row_batches
from hepad.scores.slot_rules import SlotRule


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
    for batch, real in row_batches(rows, slots, context):
        found = explain_scores(moved, on_device(batch, device))
        values, score, begin = (each.float().cpu() for each in (found.values, found.score, found.start))
        if real is not None:
            values[torch.from_numpy(~real)] = torch.nan
            score[torch.from_numpy(~real)] = torch.nan
        parts.append(Explanation(values, score, begin, found.method))
    if not parts:
        raise UserError("there are no entries to explain")
    values, score, begin = (torch.cat([getattr(part, name) for part in parts]) for name in ("values", "score", "start"))
    return Explanation(values, score, begin, parts[0].method)
