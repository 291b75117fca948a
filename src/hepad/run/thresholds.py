"""The work of `hepad.threshold`: a threshold chosen, tested, kept and printed; files checked against those kept."""

from pathlib import Path

import numpy as np

from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.data.observed import read_observable
from hepad.formats.direct import direct_file
from hepad.metrics import trigger_rate
from hepad.metrics.rates import rate_name
from hepad.report.terminal import console_table, print_to_terminal
from hepad.run.drift import COLUMNS, check_tables
from hepad.run.file_scores import file_held_out, scores_of_file
from hepad.run.held_out import own_held_out
from hepad.run.loading import load_run
from hepad.run.operating import OperatingPoint, keep_point, operating_point
from hepad.run.scoring_input import reader_of_run, rows_of
from hepad.rundir.thresholds_file import THRESHOLDS, current_thresholds

_UNLIKELY = 0.01


def choose_threshold(
    run_dir: Path, name: str, fpr: float, background: Path | None = None, device: str = "auto"
) -> OperatingPoint:
    """Choose a threshold, keep it in the run's directory, and print it.

    Args:
        run_dir: the run.
        name: of the threshold.
        fpr: the share of the background to accept.
        background: a file of background that did not train; None for the run's own validation and test parts.
        device: where to compute.

    Raises:
        UserError: fewer than ten entries would lie beyond it, or the background cannot be used; nothing is kept.
    """
    run = load_run(run_dir)
    if background is None:
        held_out = own_held_out(run.settings, run.model, run.trained_in, device)
    else:
        held_out = file_held_out(run, background, device)
    point = operating_point(held_out, name, fpr)
    keep_point(run_dir, point, held_out, run.checkpoint_sha256)
    for line in point_lines(point):
        print(line)
    print(f"kept in {run_dir / THRESHOLDS}; hepad.score run={run_dir} … writes accepted_{name} and p_value")
    if run.settings.inference is not None:
        print("note: of scores by one pass through the model, as hepad.score makes them; the run's own are of a search")
    return point


def point_lines(point: OperatingPoint) -> list[str]:
    """Return an operating point in words."""
    cut, tested = point.cut, point.tested
    lines = [
        f"{point.name}: score > {cut.threshold:.6g} (68% interval {cut.low:.6g} to {cut.high:.6g}), for "
        f"{point.fpr:.3g} of {point.background}, {rate_name(float(f'{trigger_rate(point.fpr):.3g}'))} of 28.61 MHz"
    ]
    for word, share in (("chosen on", cut.share), ("tested on", tested)):
        lines.append(
            f"  {word} {share.entries:,.0f} entries: {share.beyond:,.0f} beyond, {share.value:.3g} "
            f"({share.low:.3g} to {share.high:.3g}), {rate_name(float(f'{trigger_rate(share.value):.3g}'))}"
        )
    lines.append(f"  the two agree with p = {point.agreement:.2g} ({point.origin})")
    if point.agreement < _UNLIKELY:
        lines.append("  note: so small a p says that the two parts are not alike; look at how the background is split")
    return lines


def require_column(run_dir: Path, source: Path, name: str) -> None:
    """Raise `UserError` where a file to check has no column `beside`, before anything is scored or kept."""
    run = load_run(run_dir)
    path = direct_file(str(source), "check", run.settings.data.format)
    data = reader_of_run(run, path, None)
    with open_hdf5(path) as file:
        if read_observable(file, name, rows_of(file, data, path)[0], np.empty(0, dtype=np.int64)) is None:
            raise UserError(f"beside={name}: the file of check has no such column of one value per row")


def check_file(run_dir: Path, source: Path, beside: str | None = None, device: str = "auto") -> None:
    """Print how many entries of a file lie beyond each threshold of a run, over runs, blocks and pileup.

    Raises:
        UserError: the run has no threshold, or the file cannot be used.
    """
    run = load_run(run_dir)
    known = current_thresholds(run_dir, run.checkpoint_sha256)
    if not known:
        raise UserError(f"{run_dir} has no threshold to check; choose one with rate=1kHz or fpr=1e-3")
    found = scores_of_file(run, source, "check", device, [*COLUMNS, *filter(None, [beside])])
    tables = check_tables(found, {name: float(point["threshold"]) for name, point in known.items()}, beside)
    print_to_terminal([console_table(table, table.caption or f"{source.name}") for table in tables], [])
