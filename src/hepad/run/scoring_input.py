"""Entries of a file that a run scores: read as the run's own data, some rows at a time, none that is not finite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from hepad.config.registry import instantiate
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.misfits import MissingFeaturesError
from hepad.data import AnomalyDataModule, Entries
from hepad.data.observed import finite_entries
from hepad.run.loading import Run
from hepad.scores.forward import is_finite

ROWS: Final = 65536
"""Rows of the file read at once, or fewer where rows are large."""

_BYTES: Final = 8 << 20
_OF_TRAINING: Final = ("train", "regions", "truth", "folds", "fold", "contamination", "format")


def reader_of_run(run: Run, source: Path, on_nonfinite: str | None) -> AnomalyDataModule:
    """Return the run's datamodule with a file as its only sample."""
    config = run.settings.data.plain()
    name = source.stem
    if "features" in config and config["features"] is None and run.features is not None:
        # The run's, found by name whatever the order of the columns in this file.
        config["features"] = list(run.features)
    config |= {"samples": {name: str(source)}, "bundled": False, "background": name, "limit": None}
    # What was trained on and tested is no question of a file that is only scored.
    config |= {key: None for key in _OF_TRAINING if key in config}
    data: AnomalyDataModule = instantiate(config | ({"on_nonfinite": on_nonfinite} if on_nonfinite else {}))
    return data


def rows_of(file: h5py.File, data: AnomalyDataModule, source: Path) -> tuple[int, int]:
    """Return how many rows a file has, and how many are read at once."""
    with _advice_for_a_run():
        dataset = data.source(file)
    n_rows = dataset.shape[0] if dataset.shape else 0
    if not n_rows:
        raise UserError(f"{source}:{dataset.name} has shape {dataset.shape}; there is nothing to score")
    step = max(1, min(ROWS, _BYTES // max(1, dataset.nbytes // n_rows)))
    if dataset.chunks and dataset.chunks[0] <= step:
        # A stored chunk that lies across two parts would be decompressed twice.
        step -= step % dataset.chunks[0]
    return n_rows, step


def read_entries(
    file: h5py.File,
    data: AnomalyDataModule,
    run: Run,
    source: Path,
    rows: range,
    follow: Callable[[int], None] = lambda row: None,
) -> Iterator[Entries]:
    """Yield the entries of a file, some rows at a time, those with NaN or inf left out where they are not refused.

    Args:
        file: the file, open.
        data: `reader_of_run`.
        run: the run.
        source: where the file is, for messages.
        rows: the first of each part, and the end.
        follow: told the end of each part.
    """
    for start in rows:
        stop = min(start + rows.step, rows.stop)
        with _advice_for_a_run():
            entries = data.read_weighted(file, source.stem, None, slice(start, stop))
        shape = tuple(entries.batch.x.shape[1:])
        if shape != run.entry_shape:
            raise UserError(f"entries of {source} have the shape {shape}; this run scores {run.entry_shape}")
        follow(stop)
        yield entries if data.on_nonfinite == "refuse" or _is_finite(entries) else _without_nonfinite(entries)


@contextmanager
def _advice_for_a_run() -> Iterator[None]:
    """Say of missing features what helps a run that is trained; only a training can choose others."""
    try:
        yield
    except MissingFeaturesError as error:
        other = (
            f", or train a run on those that it has (hepad.train data.features=[{','.join(error.shared)}])"
            if error.shared
            else ""
        )
        raise UserError(f"{error.fact}; this run was trained on it: score a file that has it{other}") from error


def _is_finite(entries: Entries) -> bool:
    context = entries.batch.context
    return is_finite(entries.batch.x.numpy()) and (context is None or is_finite(context.numpy()))


def _without_nonfinite(entries: Entries) -> Entries:
    finite = finite_entries(entries)
    return replace(entries.rows(np.flatnonzero(finite)), dropped=int((~finite).sum()))


def refuse_nonfinite(block: Entries, source: Path) -> Batch:
    """Return the batch of a block, looked through where it is about to be computed, and so at hand."""
    if not _is_finite(block):
        raise UserError(
            f"{source}: the entry of row {block.index[finite_entries(block).argmin()]} holds NaN or inf; mend the "
            "file, or leave such entries out with on_nonfinite=drop"
        )
    return block.batch
