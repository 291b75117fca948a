"""A finished run evaluated again, from its best checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import lightning as L
import torch

from hepad.callbacks.evaluate import resolve_references
from hepad.checks.combinations import validate_names
from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets
from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.core.float32 import exact_float32
from hepad.data import AnomalyDataModule
from hepad.data.targets import stored_targets
from hepad.logging.lineage import data_inputs, run_input
from hepad.logging.log import log_files, log_inputs, log_origin, log_results, log_totals, notify
from hepad.logging.loggers import build_loggers, quieten, wandb_identity
from hepad.logging.notices import end_notice
from hepad.logging.results import evaluation_results
from hepad.logging.secret_words import refuse_secrets
from hepad.models.mean_of_members import MeanOfMembers
from hepad.plots.processes import DrawingProcesses
from hepad.results.run_figures import run_figures, save_figures
from hepad.results.run_page import fallback_notes, write_run_report
from hepad.results.top_table import top_columns
from hepad.run.building import build_evaluate, build_inference, build_trainer
from hepad.run.context_range import context_remarks
from hepad.run.evaluation_config import check_in_place, evaluation_config, given_keys
from hepad.run.evaluation_data import evaluation_data
from hepad.run.evaluation_directory import evaluation_directory, made_directory, with_record_named
from hepad.run.executing import Clock, TrainingResult
from hepad.run.loading import load_run
from hepad.run.provenance import command_words, provenance, write_provenance
from hepad.rundir.facts import read_provenance
from hepad.rundir.history_file import read_history

SetTargets: TypeAlias = Callable[
    [Path, RunConfig, Mapping[str, Any], AnomalyDataModule], tuple[dict[str, Any], list[str]]
]
"""A function that gives the entries of an evaluation their targets; see `stored_targets`."""


@exact_float32()
def evaluate_run(cfg: RunConfig, words: Sequence[str], set_targets: SetTargets = stored_targets) -> TrainingResult:
    """Evaluate the best model of a run, and write what a training's own evaluation writes.

    With nothing changed, metrics.json is the run's own, to the last bit.

    Args:
        cfg: `configs/evaluate.yaml`, composed.
        words: the command line; only what it sets differs from the run.
        set_targets: gives the entries their targets, where the run's model learned any.

    Raises:
        UserError: no such run, no checkpoint, data that cannot be used, or a name that is taken; nothing was written.
    """
    quieten()
    run_dir = Path(str(cfg.value("run"))).expanduser().absolute()
    run = load_run(run_dir)
    in_place, name = bool(cfg.value("in_place")), cfg.value("name")
    directory = run_dir if in_place else evaluation_directory(run_dir, name)
    if in_place:
        check_in_place(words, name)
        if isinstance(run.model, MeanOfMembers):
            raise UserError("in_place=true: an ensemble's metrics.json has the gain over its members too; leave it out")
    config = evaluation_config(cfg, run.settings, words)
    check_targets(config.plain())
    check_sections(config.plain())
    refuse_secrets(config)
    validate_names(config)
    facts = read_provenance(run_dir)
    trained = read_provenance(run.trained_in)
    data, told = evaluation_data(config, run.settings, trained)
    resolve_references(config.evaluation.references, data.background, data.test_samples)
    origin, notes = set_targets(run.trained_in, config, trained, data)
    inference = build_inference(config, run.model, data, run_dir)
    if inference is not None:
        inference.advice = "; the same command goes on there"
    evaluate = build_evaluate(config, directory, inference)
    trainer = build_trainer(config, [*([] if inference is None else [inference]), evaluate])
    config = with_record_named(config, run_dir, directory, given_keys(words))
    found = provenance(data, run.model, config.seed) | {
        "command": command_words(),
        "evaluated_run": str(run_dir),
        "checkpoint_sha256": run.checkpoint_sha256,
        "epochs": facts.get("epochs", 0),
        "tested_on": told,
        **origin,
    }
    clock = Clock()
    with made_directory(directory, keep=in_place) as (loggers, log_safely), DrawingProcesses() as drawing:
        loggers += build_loggers(config.loggers)
        found["wandb"] = wandb_identity(loggers)
        log_safely(log_origin, loggers, config, found)
        inputs = [] if in_place else run_input(run.trained_in, "evaluated")
        log_safely(log_inputs, loggers, [*data_inputs(found), *inputs])
        L.seed_everything(config.seed, workers=True, verbose=False)
        if config.evaluation.plots:
            # They import while this process evaluates.
            drawing.start(torch.get_num_threads() - 1)
        trainer.test(run.model, datamodule=data, weights_only=True, verbose=False)
        clock.lap("evaluate")
        result = evaluate.result
        result.warnings[:0] = fallback_notes(facts)
        result.warnings += [*notes, *_notes(told, data), *context_remarks(trained, data)]
        columns = read_history(run_dir) or None
        drawn = run_figures(result, evaluate.samples, columns, run.model, data, evaluate.diagnostics, evaluate.top)
        wanted = drawn if config.evaluation.plots else ()
        figures = save_figures(wanted, directory / "plots", config.evaluation.formats, drawing)
        drawing.close()
        clock.lap("plots")
        pictures = {figure.name: directory / "plots" / f"{figure.name}.png" for figure in figures}
        top = top_columns(evaluate.top)
        results = evaluation_results(result, evaluate.samples, pictures, found["epochs"], top)
        log_safely(log_results, loggers, results)
        seconds = {"train": facts.get("seconds", {}).get("train", 0.0), "score": round(evaluate.seconds, 4)}
        found |= {"status": "finished", "seconds": seconds | clock.laps}
        log_safely(log_totals, loggers, found)
        result.warnings += log_safely.warnings
        if in_place:
            again = {key: found[key] for key in ("command", "started", "hepad", "checkpoint_sha256")}
            found = {"epochs": found["epochs"], "seconds": found["seconds"], **facts, "evaluated_again": again}
        else:
            atomic_write_text(directory / "config.yaml", config.yaml())
        title = run_dir.name if in_place else f"{run_dir.name}, evaluation {directory.name}"
        write_run_report(directory, result, figures, data, found, title, top=evaluate.top)
        log_safely(log_files, loggers, directory, result, config, found)
        log_safely(notify, loggers, end_notice(title, result))
        if inference is not None:
            inference.clear()
        write_provenance(directory, found)
    return TrainingResult(run_dir=directory, evaluation=result, seconds=clock.laps)


def _notes(told: Mapping[str, str], data: AnomalyDataModule) -> list[str]:
    """Say which samples are not what a reader of the run would expect."""
    notes = []
    for sample, part in told.items():
        if "another file" in part:
            notes.append(f"{sample} is another file than the run was trained on; all of its entries are tested.")
        if "the test part" in part and sample not in data.trained_samples:
            notes.append(f"{sample} is the file that the run was trained on; only its test part is used.")
    return notes
