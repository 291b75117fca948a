"""Scores of entries that are in memory, chunk by chunk, each looked through while it is at hand."""

from contextlib import closing

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.scores.entry_arrays import EntryRows
from hepad.scores.forward import Forward, is_finite
from hepad.scores.slot_rules import SlotRule


def score_rows(
    forward: Forward, rows: EntryRows, slots: SlotRule | None, context: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return the score of each entry `(N,)`; NaN for single jets that are none.

    Args:
        forward: what computes them.
        rows: the entries.
        slots: tells which slots, or single jets, are real; None where all are.
        context: `(N, K)`; None for a model that is not conditioned.

    Raises:
        UserError: entries with NaN or inf, or that do not tell their empty slots; the message counts all of them.
    """
    scores = np.empty(len(rows), dtype=np.float32)
    with_slots = slots is not None and slots.has_slots
    empty: list[tuple[int, NDArray[np.bool_]]] = []

    def chunk(start: int) -> Batch:
        array, real = cleared(rows.rows(start, start + forward.rows_at_once), slots, start)
        if not is_finite(array):
            raise UserError("some entries hold NaN or inf")
        if real is not None and not with_slots and not real.all():
            empty.append((start, ~real))
        return Batch(
            torch.from_numpy(array),
            torch.from_numpy(real) if real is not None and with_slots else None,
            context=None if context is None else torch.from_numpy(context[start : start + len(array)]),
        )

    try:
        with closing(forward.scores(range(0, len(rows), forward.rows_at_once), chunk)) as found:  # type: ignore[type-var]
            for start, values in found:
                scores[start : start + len(values)] = values
    except UserError:
        _check_all(rows, slots)
        raise
    if slots is not None and len(slots.padding_values) > 1:
        # Each chunk has one, and they differ.
        _check_all(rows, slots)
    for start, is_empty in empty:
        scores[start : start + len(is_empty)][is_empty] = np.nan
    return scores


def cleared(
    array: NDArray[np.float32], slots: SlotRule | None, start: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return entries whose empty slots hold zeros, and which are real."""
    if slots is None:
        return array, None
    real = slots.real(array, start)
    # Empty is empty, whatever the array is padded with: as where files are read.
    return array if real.all() else np.where(real[..., None], array, np.float32(0)), real


def _check_all(rows: EntryRows, slots: SlotRule | None) -> None:
    """Raise `UserError` for what is wrong with all entries together."""
    array, _ = cleared(rows.rows(0, len(rows)), slots, 0)
    if n_bad := int((~np.isfinite(array).all(axis=tuple(range(1, array.ndim)))).sum()):
        raise UserError(f"{n_bad} of {len(array)} entries hold NaN or inf")
