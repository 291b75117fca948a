"""The numbers of a sweep's jobs, read from the directories of their runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hepad.core.errors import UserError
from hepad.pipeline.record import SweepRecord
from hepad.run.epochs import best_row
from hepad.rundir.history_file import read_history
from hepad.rundir.record import read_record


@dataclass(frozen=True)
class JobResult:
    """One row of a sweep's table.

    Args:
        name: of the job.
        settings: what is swept, key → value.
        status: `finished`, `failed`, `refused`, `running`, `interrupted` or `not started`.
        reason: why it did not finish.
        run_dir: the run's directory; None where there is none.
        metrics: `val/…` and `train/…` of the checkpoint's epoch, and all of metrics.json.
        seconds: wall time of the run.
        parameters: of the model.
        epochs: trained.
        best_epoch: of the checkpoint.
        background: the sample trained on.
    """

    name: str
    settings: Mapping[str, str]
    status: str
    reason: str = ""
    run_dir: Path | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    background: str | None = None

    @property
    def scored(self) -> bool:
        """Whether the run separates something, which is what `hepad.compare` compares."""
        return any(name.startswith("test/auc/") for name in self.metrics)

    def value(self, metric: str) -> float | None:
        """A metric, None where it is unknown or not a number."""
        number = self.metrics.get(metric)
        return number if number is not None and math.isfinite(number) else None


def read_results(directory: Path, record: SweepRecord) -> list[JobResult]:
    """The results of all jobs of a sweep, in the order of its record."""
    return [read_result(directory / name, name, record) for name in record.settings]


def read_result(run_dir: Path, name: str, record: SweepRecord) -> JobResult:
    """The result of one job. What the launcher said of a job counts where its run says nothing better."""
    settings, outcome = record.settings[name], record.done.get(name)
    try:
        run = read_record(run_dir)
        columns = read_history(run_dir)
    except UserError as error:
        if outcome is not None and outcome.status != "finished":
            return JobResult(name, settings, outcome.status, outcome.reason)
        there = (run_dir / "config.yaml").is_file()
        return JobResult(name, settings, "failed" if there else "not started", str(error) if there else "")
    status, reason = run.status, run.reason or ""
    if outcome is not None and outcome.status != "finished":
        # Also a run that is finished but was refused: it belongs to another config.
        status, reason = outcome.status, outcome.reason or reason
    best = best_row(run.config, columns)
    logged = {} if best is None else {key: column[best] for key, column in columns.items() if key != "epoch"}
    trusted = status == "finished"
    return JobResult(
        name,
        settings,
        status,
        reason,
        run_dir,
        {**logged, **run.metrics} if trusted else {},
        round(sum(run.seconds.values()), 3) if run.seconds else None,
        run.parameters,
        run.epochs,
        None if best is None or not trusted else _epoch(columns, best),
        run.background,
    )


def _epoch(columns: Mapping[str, Sequence[float]], row: int) -> int | None:
    epochs = columns.get("epoch", ())
    return int(epochs[row]) if row < len(epochs) and math.isfinite(epochs[row]) else None
