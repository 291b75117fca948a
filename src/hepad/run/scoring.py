"""Scores for every entry of a file, in memory that does not depend on its size."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from hepad import __version__
from hepad.config.registry import instantiate
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.files import file_sha256, require_file
from hepad.core.hdf5 import open_hdf5, write_hdf5
from hepad.core.threads import FileHash, read_ahead
from hepad.data import AnomalyDataModule, Entries
from hepad.data.observed import finite_entries
from hepad.formats.direct import direct_file
from hepad.run.loading import Run, load_run
from hepad.rundir.facts import read_provenance, trained_samples
from hepad.scores.forward import Forward, is_finite, scoring_device
from hepad.scores.score_columns import GrowingColumns, entry_blocks

ROWS: Final = 65536
"""Rows of the file read at once, or fewer where rows are large."""

_BYTES: Final = 8 << 20
_OF_TRAINING: Final = ("train", "regions", "truth", "folds", "fold", "contamination", "format")


@dataclass(frozen=True)
class Scored:
    """Result of `score_file`.

    Attributes:
        entries: scores written.
        dropped: entries left out because they held NaN or inf.
        left_out: what else was read and is no entry: reason → number.
        nonfinite: scores written that are NaN or infinite.
        first_nonfinite: row of the file of the first of these; None without any.
        trained_on: the input is the very file that the run was trained on.
        other_inference: the run's own scores were made in another way than by one pass through the model.
    """

    entries: int
    dropped: int
    left_out: dict[str, int]
    nonfinite: int
    first_nonfinite: int | None
    trained_on: bool
    other_inference: bool


def score_file(
    run_dir: Path,
    source: Path,
    target: Path,
    overwrite: bool = False,
    on_nonfinite: str | None = None,
    device: str = "auto",
) -> Scored:
    """Score a file with a run: `score` `(N,)` float32 and `index` `(N,)` int64, for jets also `slot`, and
    `weight` where the file has any.

    The scores equal `Run.score` of the same entries on the same device, bit for bit: they are computed in the same
    chunks. Reading, computing and writing overlap, and the hash of the input is taken beside them.

    Args:
        run_dir: the run.
        source: an HDF5 file as the run was trained on.
        target: the file to write, in one step.
        overwrite: replace `target` where it exists.
        on_nonfinite: `refuse` or `drop`; None for what the run did.
        device: where to compute, see `Run.score`.

    Raises:
        UserError: no such run, file or device, a file of another kind, shape or features, NaN or inf, or a target in
            the way.
        JobError: the target cannot be written.
    """
    if on_nonfinite not in (None, "refuse", "drop"):
        raise UserError(f"on_nonfinite={on_nonfinite}; allowed: refuse, drop")
    given = require_file(source, "input")
    if not target.parent.is_dir():
        raise UserError(f"output: no directory {target.parent}")
    if target.exists() and target.samefile(given):
        raise UserError(f"output: {target} is the input; choose another file")
    if target.is_dir() or (target.exists() and not overwrite):
        raise UserError(f"output: {target} exists; choose another name, or replace a file with overwrite=true")
    where = scoring_device(device)
    run = load_run(run_dir)
    source = direct_file(str(given), "input", run.settings.data.format)
    data = _reader(run, source, on_nonfinite)
    facts = read_provenance(run_dir)
    with open_hdf5(source) as file, FileHash(source) as hashed, write_hdf5(target) as out:
        with closing(read_ahead(_parts(file, data, run, source, hashed))) as parts:  # type: ignore[type-var]
            dropped, left_out, bad_rows = _write_scores(out, Forward(run.model, where), parts, source)
        if "score" not in out:
            raise UserError(f"{source} holds nothing to score")
        digest = hashed.result()
        known = {facts.get("data", {}).get(name, {}).get("sha256") for name in trained_samples(facts)}
        trained_on = digest in known
        out.attrs["run"] = run_dir.resolve().name
        out.attrs["checkpoint_sha256"] = file_sha256(run_dir / "checkpoints" / "best.ckpt")
        out.attrs["hepad_version"] = __version__
        out.attrs["input"] = given.name
        out.attrs["input_sha256"] = digest
        out.attrs["kind"] = data.kind
        out.attrs["inference"] = "forward"
        out.attrs["dropped"] = dropped
        out.attrs["left_out"] = json.dumps(left_out)
        out.attrs["nonfinite_scores"] = len(bad_rows)
        out.attrs["trained_on_input"] = trained_on
        entries = int(out["score"].shape[0])
    return Scored(
        entries,
        dropped,
        left_out,
        nonfinite=len(bad_rows),
        first_nonfinite=bad_rows[0] if bad_rows else None,
        trained_on=trained_on,
        other_inference=run.settings.inference is not None,
    )


def _reader(run: Run, source: Path, on_nonfinite: str | None) -> AnomalyDataModule:
    """Return the run's datamodule with the input as its only sample."""
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


def _parts(file: h5py.File, data: AnomalyDataModule, run: Run, source: Path, digest: FileHash) -> Iterator[Entries]:
    """Yield the entries of a file, some rows at a time, those with NaN or inf refused or left out."""
    dataset = data.source(file)
    n_rows = dataset.shape[0] if dataset.shape else 0
    if not n_rows:
        raise UserError(f"{source}:{dataset.name} has shape {dataset.shape}; there is nothing to score")
    step = max(1, min(ROWS, _BYTES // max(1, dataset.nbytes // n_rows)))
    if dataset.chunks and dataset.chunks[0] <= step:
        # A stored chunk that lies across two parts would be decompressed twice.
        step -= step % dataset.chunks[0]
    for start in range(0, n_rows, step):
        stop = min(start + step, n_rows)
        entries = data.read_weighted(file, source.stem, None, slice(start, stop))
        shape = tuple(entries.batch.x.shape[1:])
        if shape != run.entry_shape:
            raise UserError(f"entries of {source} have the shape {shape}; this run scores {run.entry_shape}")
        digest.follow(stop / n_rows)
        yield entries if data.on_nonfinite == "refuse" or _is_finite(entries) else _without_nonfinite(entries)


def _is_finite(entries: Entries) -> bool:
    context = entries.batch.context
    return is_finite(entries.batch.x.numpy()) and (context is None or is_finite(context.numpy()))


def _without_nonfinite(entries: Entries) -> Entries:
    finite = finite_entries(entries)
    return replace(entries.rows(np.flatnonzero(finite)), dropped=int((~finite).sum()))


def _refuse_nonfinite(block: Entries, source: Path) -> Batch:
    """Return the batch of a block, looked through where it is about to be computed, and so at hand."""
    if not _is_finite(block):
        raise UserError(
            f"{source}: the entry of row {block.index[finite_entries(block).argmin()]} holds NaN or inf; mend the "
            "file, or leave such entries out with on_nonfinite=drop"
        )
    return block.batch


def _write_scores(
    out: h5py.File, forward: Forward, parts: Iterator[Entries], source: Path
) -> tuple[int, dict[str, int], list[int]]:
    """Append the scores of all parts to growing data sets.

    Returns:
        How many entries were left out, what else was, and the rows of the file whose score is NaN or infinite.
    """
    dropped = 0
    left_out: dict[str, int] = {}
    bad_rows: list[int] = []
    columns = GrowingColumns(out)

    def counted() -> Iterator[Entries]:
        nonlocal dropped
        for part in parts:
            dropped += part.dropped
            for reason, count in part.left_out.items():
                left_out[reason] = left_out.get(reason, 0) + count
            yield part

    blocks = entry_blocks(counted(), forward.rows_at_once)
    with closing(forward.scores(blocks, lambda block: _refuse_nonfinite(block, source))) as found:  # type: ignore[type-var]
        for block, score in found:
            if not is_finite(score):
                bad_rows += block.index[~np.isfinite(score)].tolist()
            columns.add("score", score, "<f4")
            columns.add("index", block.index, "<i8")
            if block.slot is not None:
                columns.add("slot", block.slot, "<i8")
            if block.batch.weight is not None:
                columns.add("weight", block.batch.weight.numpy(), "<f4")
    columns.flush()
    return dropped, left_out, bad_rows
