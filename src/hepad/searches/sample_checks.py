"""Checks of what a search is given: features, weights, a truth that leaks, windows without entries; without torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.searches.record import Window

IDENTIFIERS: Final = ("run", "lumi", "event")
"""Columns that say which event an entry is; never features."""

TRUTH: Final = "label"
"""Name of the truth where `data.truth` gives no other."""

FEWEST: Final = 20
"""Entries that a search needs at least."""

_LIKE_A_TRUTH: Final = ("label", "truth", "is_signal", "is_sig", "target")


def check_context(context: Sequence[str]) -> str:
    """Return the one observable that is scanned.

    Raises:
        UserError: none, or several.
    """
    if len(context) != 1:
        raise UserError(
            f"data.context=[{','.join(context)}]: the one observable whose windows are searched is needed, [m_jj]"
        )
    return str(context[0])


def check_features(features: Sequence[str], observable: str, truth: str) -> None:
    """Raise `UserError` where the observable or the truth is a feature."""
    if observable in features:
        raise UserError(
            f"data.features names {observable}, the observable that is scanned: a score that follows it makes "
            "bumps of its own; leave it out"
        )
    if truth in features or TRUTH in features:
        leak = truth if truth in features else TRUTH
        raise UserError(
            f"data.features names {leak}, the truth, which no training and no selection may see; leave it out"
        )


def check_entries(path: Path, n: int) -> None:
    """Raise `UserError` for next to no entries."""
    if n < FEWEST:
        raise UserError(f"{path} has {n} entries; at least {FEWEST} are needed")


def check_weights(path: Path, equal: bool) -> None:
    """Raise `UserError` where some weight is not 1."""
    if not equal:
        raise UserError(
            f"{path} has weights, and a search counts entries; draw entries by their weights, or leave out the "
            "data set weight"
        )


def check_hidden_truth(path: Path, columns: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Raise `UserError` for a feature that is called like a truth and looks like one."""
    for name, values in columns:
        if any(word in name.lower() for word in _LIKE_A_TRUTH) and np.isin(values, (0, 1)).all():
            raise UserError(
                f"{path}: the feature {name} is 0 or 1 and looks like the truth; say data.truth={name}, or name "
                "data.features=[…] without it"
            )


def check_windows(windows: Iterable[Window], mass: NDArray[np.float64], observable: str) -> None:
    """Raise `UserError` for a window without an entry."""
    for window in windows:
        if not ((window.low <= mass) & (mass < window.high)).any():
            raise UserError(
                f"no entry lies in the window [{window.low:g},{window.high:g}]: {observable} of the data reaches from "
                f"{mass.min():g} to {mass.max():g}"
            )
