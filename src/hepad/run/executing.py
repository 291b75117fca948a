"""One run in its directory, locked: read, train, evaluate, write; from the beginning, or from where it was stopped."""

import math
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger

from hepad.callbacks.resume_point import random_state
from hepad.checkpoints.checkpoint_model import load_model
from hepad.checkpoints.divergence import best_checkpoint, check_best, divergence_note
from hepad.checkpoints.training_checkpoint import check_fits
from hepad.config import RunConfig
from hepad.config.registry import get_class
from hepad.core.allocator import keep_freed_memory
from hepad.core.errors import Interrupted, JobError, UserError, one_line
from hepad.core.files import atomic_write_text
from hepad.core.float32 import exact_float32
from hepad.core.phases import PHASES
from hepad.logging.lineage import data_inputs, run_input
from hepad.logging.log import (
    SafeLogging,
    log_files,
    log_inputs,
    log_lost_epochs,
    log_origin,
    log_results,
    log_totals,
    notify,
)
from hepad.logging.loggers import build_loggers, wandb_identity
from hepad.logging.notices import end_notice, failure_notice
from hepad.logging.results import evaluation_results
from hepad.logging.tracker import Input, Notice
from hepad.metrics import Evaluation
from hepad.models import AnomalyModel
from hepad.plots.processes import DrawingProcesses
from hepad.results.run_figures import run_figures, save_figures
from hepad.results.run_page import fallback_notes, write_run_report
from hepad.results.top_table import top_columns
from hepad.run.building import Handover, Parts, assemble, with_absolute_paths, with_memory
from hepad.run.context_range import context_remarks
from hepad.run.nodes import send_best
from hepad.run.provenance import check_same_data, provenance, write_provenance
from hepad.run.workers import threads_of_each, training_threads, use_threads, workers
from hepad.rundir.history_file import read_history
from hepad.rundir.locking import RunStatus


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training in memory; all of it is also in `run_dir`.

    Attributes:
        run_dir: the run's directory.
        evaluation: the numbers.
        seconds: wall time of each part of the run.
    """

    run_dir: Path
    evaluation: Evaluation
    seconds: dict[str, float]


@dataclass(frozen=True)
class ResumeState:
    """State that a run left behind when it was stopped.

    Attributes:
        facts: its provenance; empty where it was stopped before that was written.
        checkpoint: where training goes on; None where no epoch was done.
        fallback: why it is not the newest one; empty where it is.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    checkpoint: Path | None = None
    fallback: str = ""


@exact_float32()
def execute_run(
    cfg: RunConfig, run_dir: Path, past: ResumeState | None, handover: Handover | None = None
) -> TrainingResult:
    """Do what `cfg` asks for in a locked directory, from the beginning or from where an earlier process stopped.

    Args:
        cfg: the run's config.
        run_dir: its directory, which no other process works in.
        past: what an earlier process left behind; None for a new run.
        handover: what the stages of a pipeline before this run hand to it.
    """
    clock = Clock()
    PHASES.begin("reading the data")
    parts = assemble(cfg if past is None else with_memory(cfg, past.facts), run_dir, handover)
    cfg = with_absolute_paths(cfg)
    data, model, evaluate, trainer = parts.data, parts.model, parts.evaluate, parts.trainer
    if past is not None:
        check_same_data(past.facts, data)
        check_fits(model, past.checkpoint)
    loggers = build_loggers(cfg.loggers)
    trainer.loggers = loggers

    facts: dict[str, Any] = {} if past is None else dict(past.facts)
    drawing = DrawingProcesses()
    # From here on W&B has begun a run, which must be closed whatever happens.
    try:
        for rest in run_dir.rglob(".*.tmp"):
            # What a killed process was about to write.
            rest.unlink()
        atomic_write_text(run_dir / "config.yaml", cfg.yaml())
        threads = threads_of_each(trainer.world_size // trainer.num_nodes)
        training = training_threads({} if past is None else past.facts, parts, threads)
        facts |= provenance(data, model, cfg.seed) | {"threads": threads, "wandb": wandb_identity(loggers)}
        facts["training_threads"] = training
        if past is not None:
            facts |= {key: past.facts[key] for key in ("started", "threads") if key in past.facts}
            facts.pop("reason", None)
            if past.facts:
                facts["resumed"] = [*past.facts.get("resumed", []), _resumption(past, threads)]
        facts |= {} if handover is None else handover.facts
        write_provenance(run_dir, facts)
        log_origin(loggers, cfg, facts)
        log_on_the_way = SafeLogging("; the training goes on")
        log_on_the_way(log_inputs, loggers, _inputs(facts))
        if past is not None and past.facts.get("status") == RunStatus.RUNNING:
            log_lost_epochs(loggers, read_history(run_dir))
        for remark in [*model.remarks(), *parts.remarks]:
            print(f"warning: {remark}", file=sys.stderr, flush=True)
        clock.lap("set_up")
        checkpoint = None if past is None else past.checkpoint
        with workers(trainer, run_dir, checkpoint, threads, random_state()):
            with use_threads(training):
                fit(parts, checkpoint)
            if cfg.evaluation.plots:
                # They import while this process evaluates.
                drawing.start(torch.get_num_threads() - 1)
            # Testing the best checkpoint brings back the callbacks of that epoch, the history among them.
            columns = parts.history.columns()
            clock.lap("train")
            clock.laps["train"] = round(parts.resume_point.seconds, 3)
            PHASES.begin("scoring")
            check_best(model, best_checkpoint(trainer), cfg)
            send_best(trainer, best_checkpoint(trainer).best_model_path)
            test(parts, cfg.seed, None)
            evaluate.result.warnings[:0] = parts.remarks
            evaluate.result.warnings += context_remarks(facts, data)
            clock.lap("evaluate")
            clock.laps["score"] = round(evaluate.seconds, 4)
        evaluate.result.warnings[:0] = [*fallback_notes(facts), *divergence_note(columns)]
        PHASES.begin("drawing figures")
        drawn = run_figures(evaluate.result, evaluate.samples, columns, model, data, evaluate.diagnostics, evaluate.top)
        formats = cfg.evaluation.formats
        figures = save_figures(drawn if cfg.evaluation.plots else (), run_dir / "plots", formats, drawing)
        drawing.close()
        clock.lap("plots")
        pictures = {figure.name: run_dir / "plots" / f"{figure.name}.png" for figure in figures}
        PHASES.begin("logging and writing the report")
        epochs, top = len(columns["epoch"]), top_columns(evaluate.top)
        log_safely = SafeLogging()
        results = evaluation_results(evaluate.result, evaluate.samples, pictures, epochs, top)
        log_safely(log_results, loggers, results)
        clock.lap("log")
        facts |= {"status": RunStatus.FINISHED, "epochs": len(columns["epoch"]), "seconds": clock.laps}
        best = best_row(cfg.plain(), columns)
        totals = None if best is None else {name: column[best] for name, column in columns.items()}
        log_safely(log_totals, loggers, facts, totals)
        evaluate.result.warnings += [*log_on_the_way.warnings, *log_safely.warnings]
        write_run_report(run_dir, evaluate.result, figures, data, facts, top=evaluate.top)
        log_safely(log_files, loggers, run_dir, evaluate.result, cfg, facts)
        if evaluate.inference is not None:
            evaluate.inference.clear()
        clock.lap("report")
        write_provenance(run_dir, facts)
        if cfg.sweep_job is None:
            log_safely(notify, loggers, end_notice(run_dir.name, evaluate.result))
        # Last, so that W&B never calls a run finished that is not.
        log_safely.finish(loggers)
    except Interrupted as stop:
        facts |= {"status": RunStatus.INTERRUPTED, "reason": stop.reason, "seconds": clock.laps}
        write_provenance(run_dir, facts)
        # Whoever pressed Ctrl-C knows.
        stopped = None if stop.number == signal.SIGINT else failure_notice(run_dir.name, stop.reason)
        _give_up(loggers, None if cfg.sweep_job else stopped, stop.exit_code)
        raise
    except BaseException as error:
        facts |= {"status": RunStatus.FAILED, "reason": f"{type(error).__name__}: {error}", "seconds": clock.laps}
        # On a full disk this fails too; the status is then told from the lock.
        with suppress(OSError):
            write_provenance(run_dir, facts)
        _give_up(loggers, None if cfg.sweep_job else failure_notice(run_dir.name, facts["reason"]), 1)
        raise
    finally:
        drawing.close()
    return TrainingResult(run_dir=run_dir, evaluation=evaluate.result, seconds=clock.laps)


def fit(parts: Parts, checkpoint: Path | None) -> None:
    """Train, from a checkpoint where there is one."""
    # Lightning seeds each of several processes anew when it joins the others; one process goes on from here.
    parts.resume_point.begins_with = random_state()
    keep_freed_memory()
    try:
        parts.trainer.fit(parts.model, datamodule=parts.data, ckpt_path=checkpoint, weights_only=True)
    except (UserError, JobError, OSError):
        raise
    except Exception as error:
        if checkpoint is None or parts.resume_point.has_begun:
            raise
        # Lightning puts back what is in the checkpoint part by part, and looks at little of it.
        raise UserError(
            f"cannot go on from {checkpoint}: {one_line(error)}; train again in another directory"
        ) from error


def test(parts: Parts, seed: int, weights: Path | None) -> None:
    """Score every entry with the weights of a file; None for the best ones."""
    # What evaluation draws at random must not depend on when the training was stopped and resumed.
    L.seed_everything(seed, workers=True, verbose=False)
    # What is found is logged afterwards (`hepad.logging.log`); a logger that fails must not end the test.
    parts.trainer.loggers = []
    parts.trainer.test(
        parts.model, datamodule=parts.data, ckpt_path=weights or "best", weights_only=True, verbose=False
    )


def _inputs(facts: Mapping[str, Any]) -> list[Input]:
    """Return the data of a run, and the teacher of a student."""
    teacher = facts.get("teacher", {}).get("run")
    return [*data_inputs(facts), *([] if teacher is None else run_input(Path(teacher), "teacher"))]


def _give_up(loggers: Sequence[Logger], notice: Notice | None, exit_code: int) -> None:
    """Close the loggers' runs as failed or stopped; what they cannot do must not hide why."""
    log_safely = SafeLogging("")
    if notice is not None:
        log_safely(notify, loggers, notice)
    log_safely.finish(loggers, exit_code)


def _resumption(past: ResumeState, threads: int) -> dict[str, Any]:
    """Record of going on, for provenance: when, with how many threads, and from which checkpoint, if any."""
    entry: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "threads": threads}
    if past.checkpoint is not None:
        entry["from"] = past.checkpoint.name
    return entry | ({"because": past.fallback} if past.fallback else {})


class Clock:
    """Wall times of the parts of a run, in seconds."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """Name the time since the last lap."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._since, 3)
        self._since = now


def best_row(config: Mapping[str, Any], columns: Mapping[str, Sequence[float]]) -> int | None:
    """Return the row of the epoch that the checkpoint `best` is of; None where nothing was logged.

    Args:
        config: of the run; its `callbacks.checkpoint` says what is watched.
        columns: of its history.csv.
    """
    callbacks = config.get("callbacks") or {}
    checkpoint = (callbacks.get("checkpoint") if isinstance(callbacks, Mapping) else None) or {}
    values = columns.get(str(checkpoint.get("monitor") or "val/loss"), ())
    known = [row for row, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return None
    sign = -1 if checkpoint.get("mode") == "max" else 1
    return min(known, key=lambda row: sign * values[row])


@exact_float32()
def train_alone(cfg: RunConfig, directory: Path) -> tuple[AnomalyModel, dict[str, Any]]:
    """Train in a locked directory and evaluate nothing; return the best model, as a run of `cfg` would have it.

    Args:
        cfg: the run's config.
        directory: where checkpoints are written while it trains.

    Returns:
        The model in eval mode, and what a run's provenance would say of its entries.

    Raises:
        UserError: the config or the data cannot be used, or ask for several processes.
        JobError: the training diverged.
    """
    parts = assemble(cfg, directory)
    if parts.trainer.world_size > 1:
        raise UserError("several devices train a whole run: name a directory for it, or choose trainer.devices=1")
    with use_threads(training_threads({}, parts, threads_of_each(1))):
        fit(parts, None)
    best = best_checkpoint(parts.trainer)
    check_best(parts.model, best, cfg)
    model = load_model(get_class(cfg.model.target), Path(best.best_model_path))
    facts = {"background": parts.data.background, "entries": {"definition": parts.data.entry_definition}}
    return model.eval(), facts
