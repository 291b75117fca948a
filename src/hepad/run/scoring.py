"""Scores for every entry of a file, in memory that does not depend on its size."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from hepad import __version__
from hepad.cluster import Cluster
from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.hdf5 import open_hdf5, write_hdf5
from hepad.core.threads import FileHash, read_ahead
from hepad.data import Entries
from hepad.formats.direct import direct_file
from hepad.run.cluster_scoring import ScoringRequest, cluster_scores
from hepad.run.context_range import ContextRange
from hepad.run.loading import load_run
from hepad.run.score_beside import score_beside
from hepad.run.scored_entries import ScoredEntries, Tally, write_scores
from hepad.run.scoring_input import read_entries, reader_of_run, refuse_nonfinite, rows_of
from hepad.rundir.facts import read_provenance, trained_samples
from hepad.scores.forward import Forward, scoring_device
from hepad.scores.score_columns import entry_blocks


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
        remarks: on entries with another context than was trained on.
    """

    entries: int
    dropped: int
    left_out: dict[str, int]
    nonfinite: int
    first_nonfinite: int | None
    trained_on: bool
    other_inference: bool
    remarks: tuple[str, ...] = ()


def score_file(
    run_dir: Path,
    source: Path,
    target: Path,
    overwrite: bool = False,
    on_nonfinite: str | None = None,
    device: str = "auto",
    cluster: Cluster | None = None,
    p_values: bool | None = None,
) -> Scored:
    """Score a file with a run: `score` `(N,)` float32 and `index` `(N,)` int64, for jets also `slot`, and
    `weight` where the file has any. Where the run has thresholds also `accepted_<name>` `(N,)` bool, and
    `p_value` `(N,)`.

    The scores equal `Run.score` of the same entries on the same device, bit for bit: they are computed in the same
    chunks. Reading, computing and writing overlap, and the hash of the input is taken beside them.

    Args:
        run_dir: the run.
        source: an HDF5 file as the run was trained on.
        target: the file to write, in one step.
        overwrite: replace `target` where it exists.
        on_nonfinite: `refuse` or `drop`; None for what the run did.
        device: where to compute, see `Run.score`; `auto` is the CPU on a cluster.
        cluster: whose workers read and compute; None for this process. The bits are the same.
        p_values: whether to give conformal p-values; None where hepad.threshold has kept a calibration. Without one
            they are of the run's own validation part.

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
    where = scoring_device("cpu" if cluster else device)
    with ExitStack() as opened:
        # A core has nothing to do while the run is loaded.
        hashed = opened.enter_context(FileHash(given))
        run = load_run(run_dir)
        source = direct_file(str(given), "input", run.settings.data.format)
        if source != given:
            hashed = opened.enter_context(FileHash(source))
        data = reader_of_run(run, source, on_nonfinite)
        facts = read_provenance(run_dir)
        beside = score_beside(run, p_values, str(where))
        tally, ranges = Tally(), ContextRange(read_provenance(run.trained_in))
        file, out = opened.enter_context(open_hdf5(source)), opened.enter_context(write_hdf5(target))
        n_rows, step = rows_of(file, data, source)
        rows = range(0, n_rows, step)

        def follow(row: int) -> None:
            hashed.follow(row / n_rows)

        if cluster is None:
            entries = ranges.watched(read_entries(file, data, run, source, rows, follow))
            scored = scores_of_entries(entries, Forward(run.model, where), tally, source)
        else:
            request = ScoringRequest(run_dir.resolve(), source.resolve(), on_nonfinite, device)
            scored = cluster_scores(cluster, request, run.entry_shape, rows, tally, ranges, follow)
        with closing(scored):  # type: ignore[type-var]
            write_scores(out, scored, tally, beside.columns)
        if "score" not in out:
            raise UserError(f"{source} holds nothing to score")
        digest = hashed.result()
        known = {facts.get("data", {}).get(name, {}).get("sha256") for name in trained_samples(facts)}
        trained_on = digest in known
        out.attrs["run"] = run_dir.resolve().name
        out.attrs["checkpoint_sha256"] = run.checkpoint_sha256
        out.attrs["hepad_version"] = __version__
        out.attrs["input"] = given.name
        out.attrs["input_sha256"] = digest
        out.attrs["kind"] = data.kind
        out.attrs["inference"] = "forward"
        out.attrs["dropped"] = tally.dropped
        out.attrs["left_out"] = json.dumps(tally.left_out)
        out.attrs["nonfinite_scores"] = len(tally.bad_rows)
        out.attrs["trained_on_input"] = trained_on
        for name, threshold in beside.thresholds.items():
            out[f"accepted_{name}"].attrs["threshold"] = threshold
        if beside.calibration is not None:
            out["p_value"].attrs["calibration_entries"] = beside.calibration.worth
        n_entries = int(out["score"].shape[0])
    return Scored(
        n_entries,
        tally.dropped,
        tally.left_out,
        nonfinite=len(tally.bad_rows),
        first_nonfinite=tally.bad_rows[0] if tally.bad_rows else None,
        trained_on=trained_on,
        other_inference=run.settings.inference is not None,
        remarks=tuple(ranges.remarks(given.name)),
    )


def scores_of_entries(
    entries: Iterator[Entries], forward: Forward, tally: Tally, source: Path
) -> Iterator[ScoredEntries]:
    """Yield the scores of entries in order; they are read ahead of what is computed."""
    with closing(read_ahead(entries)) as parts:  # type: ignore[type-var]
        blocks = entry_blocks(tally.counted(parts), forward.rows_at_once)
        with closing(forward.scores(blocks, lambda block: refuse_nonfinite(block, source))) as found:  # type: ignore[type-var]
            for block, score in found:
                yield ScoredEntries.of(block, score)
