"""The work of `hepad.export`: a run's scorer as a file, compared with the run, with a description and a program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepad.core.batch import Batch, take_rows
from hepad.core.errors import JobError
from hepad.core.files import atomic_path, atomic_write_text
from hepad.data import AnomalyDataModule
from hepad.exporting.cpp_snippet import cpp_snippet
from hepad.exporting.description import as_text, describe, parity_facts
from hepad.exporting.parity import Parity, compare
from hepad.exporting.programs import as_onnx, traced, write_program
from hepad.exporting.requirements import ExportRequest, beside
from hepad.exporting.rounding import FACTOR
from hepad.exporting.runtimes import onnx_scoring, program_scoring
from hepad.exporting.scorer import Scorer
from hepad.exporting.snippets import python_snippet
from hepad.exporting.speed import measured
from hepad.exporting.trigger_card import CardScores, write_trigger_card
from hepad.run.evaluation_data import evaluation_data
from hepad.run.loading import Run, load_run
from hepad.rundir.facts import read_provenance
from hepad.rundir.thresholds_file import current_thresholds


def export_run(request: ExportRequest) -> Parity:
    """Write a run's scorer, the JSON that describes it, and a program that uses it; print what was written.

    Raises:
        UserError: no such run, its data are gone, or its model cannot be exported.
        JobError: the file does not say what the model says; nothing is kept.
    """
    run = load_run(request.run)
    scorer = run_scorer(run, native=request.format == "onnx")
    samples = tested_samples(run, request.entries)
    facts = describe(run, scorer, request.format)
    program = traced(scorer)
    request.output.parent.mkdir(exist_ok=True)
    with atomic_path(request.output) as path:
        if request.format == "onnx":
            model = as_onnx(scorer, program)
            exported = onnx_scoring(model.SerializeToString())
        else:
            write_program(program, path, {})
            exported = program_scoring(path, scorer.output_names)
        parity, each, scores = compare(run.model, scorer, exported, samples, request.tolerance)
        _refuse_difference(parity, request)
        facts["parity"] = parity_facts(parity, each)
        if request.format == "onnx":
            for name, value in {"hepad": as_text(facts), "checkpoint_sha256": run.checkpoint_sha256}.items():
                model.metadata_props.add(key=name, value=value)
            model.doc_string = f"{facts['run']}: raw entries in, anomaly score out, higher is more anomalous"
            path.write_bytes(model.SerializeToString())
        else:
            write_program(program, path, {"hepad.json": as_text(facts)})
    atomic_write_text(beside(request.output, ".json"), as_text(facts))
    atomic_write_text(beside(request.output, ".py"), python_snippet(request.output.name, facts))
    if request.format == "onnx":
        source = beside(request.output, ".cpp")
        atomic_write_text(source, cpp_snippet(request.output.name, source.name, facts))
    if request.card:
        speed = measured(scorer, exported, samples[facts["background"]])
        wide = {name: values.astype(np.float64) for name, values in scores.items()}
        weights = {name: None if e.weight is None else e.weight.double().numpy() for name, e in samples.items()}
        card = write_trigger_card(request.output, facts, CardScores(facts["background"], wide, weights), speed)
        if card is not None:
            print(f"trigger card: {card}")
    for line in _report(request.output, parity, each, run):
        print(line)
    return parity


def run_scorer(run: Run, native: bool = False) -> Scorer:
    """Return the module to export of a run, with the thresholds that it has; `native` as `Scorer` takes it."""
    points = current_thresholds(run.directory, run.checkpoint_sha256)
    thresholds = {name: float(point["threshold"]) for name, point in points.items()}
    return Scorer(run.model, len(run.context_names), thresholds, native)


def tested_samples(run: Run, most: int | None) -> dict[str, Batch]:
    """Return the entries that a run tests, by sample, or the first of each."""
    return {name: take_rows(found.batch, slice(most)) for name, found in tested_data(run).test_entries.items()}


def tested_data(run: Run) -> AnomalyDataModule:
    """Return the parts of a run's data, as it read them."""
    data, _ = evaluation_data(run.settings, run.settings, read_provenance(run.trained_in))
    return data


def _refuse_difference(parity: Parity, request: ExportRequest) -> None:
    if not parity.agrees:
        raise JobError(
            f"format={request.format}: {parity.beyond:,} scores differ from the run's by more than "
            f"{request.tolerance:g} of their size (tolerance), up to {parity.max_relative:.2g}, and lie up to "
            f"{parity.of_rounding:.2g} times as far from float64 as rounding explains; {parity.decisions} decisions "
            "are others; nothing was written"
        )


def _report(path: Path, parity: Parity, each: Mapping[str, Parity], run: Run) -> list[str]:
    lines = [f"{'sample':16} {'entries':>9} {'max |Δ|':>9} {'max |Δ|/|s|':>12}"]
    rows: dict[str, Any] = {**each, "all": parity}
    lines += [f"{name:16} {p.entries:9,} {p.max_absolute:9.2g} {p.max_relative:12.2g}" for name, p in rows.items()]
    if parity.beyond:
        lines.append(
            f"{parity.beyond:,} scores differ by more than the tolerance, by rounding alone: they are at most "
            f"{FACTOR * parity.of_rounding:.1f} times as far from float64 as PyTorch's own float32 is"
        )
    lines.append(f"{path} is written, with {beside(path, '.json').name} and {beside(path, '.py').name}")
    if run.settings.inference is not None:
        lines.append("note: scores are those of one pass through the model; the run's own are of a latent search")
    return lines
