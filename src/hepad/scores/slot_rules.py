"""Rules that tell which slots of events, or which single jets, are real."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.data.jet_table import AUTO, NONE

_PT = "pt"


@dataclass(frozen=True)
class SlotRule:
    """Rule by which entries, or slots of them, are real, for chunk after chunk; several threads may ask.

    Attributes:
        has_slots: entries are events, `(S, F)`; else they are single jets, told by their pT.
        names: of the columns; None where the run does not know them.
        padding: the run's `data.padding`.
        mask: `(N, S)`, of single jets `(N,)`, which are real; None to tell them by the entries.
        padding_values: the values of pT up to 0 that were seen where there must be one alone, smallest and largest of
            each chunk.
    """

    has_slots: bool
    names: tuple[str, ...] | None
    padding: str
    mask: NDArray[np.bool_] | None
    padding_values: set[float] = field(default_factory=set)

    def real(self, array: NDArray[np.float32], start: int) -> NDArray[np.bool_]:
        """Return which slots `(n, S)`, or single jets `(n,)`, of some entries are real.

        Args:
            array: `(n, …)` entries.
            start: the first of them.

        Raises:
            UserError: entries that do not tell.
        """
        if self.mask is not None:
            return self.mask[start : start + len(array)]
        if self.names is not None and _PT in self.names and (self.padding == AUTO or not self.has_slots):
            pt = array[..., self.names.index(_PT)]
            if (empty := pt <= 0).any():
                values = pt[empty]
                self.padding_values.update((float(values.min()), float(values.max())))
        if self.has_slots:
            return real_slots(array, self.names, self.padding)
        assert self.names is not None
        return ~empty_slots(array, self.names)


def empty_slots(array: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which single jets are empty slots of an event, `(N,)`: all numbers 0, or a pT up to 0.

    Args:
        array: `(N, F)` jets, of a run that tells empty slots by their pT.
        names: of the columns, `pt` among them.

    Raises:
        UserError: several values of pT up to 0, as after standardising.
    """
    pt = array[:, names.index("pt")]
    _check_one_padding_value(pt)
    # All numbers 0 is a pT of 0.
    return np.asarray(pt <= 0)


def _check_one_padding_value(pt: NDArray[np.float32]) -> None:
    """Raise `UserError` where pT does not tell which slots are empty: as where files are read (`data.padding=auto`)."""
    empty = pt[pt <= 0]
    if empty.size and empty.min() != empty.max():
        raise UserError(
            f"'pt' has several values up to 0 (from {empty.min():g} to {empty.max():g}) and does not tell which slots "
            "are empty; say so with mask=…, True for real jets"
        )


def given_mask(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a user's mask as bool; raise `UserError` for another shape."""
    given = np.asarray(mask)
    if given.shape != shape:
        raise UserError(f"a mask of shape {given.shape}; one number per slot is needed, {shape}")
    return np.asarray(given != 0)


def real_slots(
    array: NDArray[np.float32],
    names: tuple[str, ...] | None,
    padding: str,
    mask: Any = None,
) -> NDArray[np.bool_]:
    """Return which slots of events `(N, S, F)` hold a jet, `(N, S)`, as the run was told them (`data.padding`).

    Args:
        array: the events.
        names: of the columns; None where the run does not know them.
        padding: the run's `data.padding`.
        mask: `(N, S)`, not 0 for real jets; None to tell them by the events themselves.

    Raises:
        UserError: a mask of another shape, or slots that the events alone do not tell.
    """
    if mask is not None:
        return given_mask(mask, array.shape[:2])
    if padding == NONE:
        return np.ones(array.shape[:2], dtype=bool)
    column = "pt" if padding == AUTO else padding
    if names is not None and column in names:
        values = array[..., names.index(column)]
        if padding == AUTO:
            _check_one_padding_value(values)
        return np.asarray(~(values <= 0))
    if padding == AUTO:
        return np.asarray(array.any(axis=2))
    raise UserError(
        f"this run tells empty slots by data.padding={padding}, which is no column of its entries; give "
        f"mask=(N, {array.shape[1]}), True for real jets"
    )
