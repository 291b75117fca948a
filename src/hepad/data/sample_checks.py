"""Checks of the entries of a sample once they were read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from hepad.core.errors import UserError
from hepad.data.entries import Entries
from hepad.data.observed import finite_entries


def without_nonfinite(entries: Entries, sample: str, path: Path, on_nonfinite: str) -> Entries:
    """Return entries without those that hold NaN or inf, in themselves or in their context.

    Raises:
        UserError: there are some and `on_nonfinite` is `refuse`, or all are such.
    """
    finite = finite_entries(entries)
    n_bad = int((~finite).sum())
    if not n_bad:
        return entries
    if on_nonfinite == "refuse":
        raise UserError(
            f"{n_bad} of {len(entries)} entries of {sample} hold NaN or inf ({path}); "
            "mend the file, or leave those entries out with data.on_nonfinite=drop"
        )
    if n_bad == len(entries):
        raise UserError(f"every entry of {sample} holds NaN or inf ({path})")
    return replace(entries.rows(np.flatnonzero(finite)), dropped=n_bad)


def check_shapes(entries: Mapping[str, Entries], background: str, files: Mapping[str, Path]) -> None:
    """Raise `UserError` where entries of a sample have another shape than those of the background."""
    shapes = {sample: tuple(found.batch.x.shape[1:]) for sample, found in entries.items()}
    wanted = shapes[background]
    for sample, shape in shapes.items():
        if shape != wanted:
            raise UserError(
                f"entries of {sample} have the shape {shape}, those of {background} {wanted}; "
                f"one shape is needed ({files[sample]})"
            )
