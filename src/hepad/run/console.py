"""Terminal output of a finished run."""

import shlex

from rich.console import Console
from rich.table import Table

from hepad.core.pasteable import python_command
from hepad.logging.loggers import offline_records
from hepad.metrics import Evaluation, PairResult, pair_result, trivial_title
from hepad.report.formatting import with_uncertainty
from hepad.run.executing import TrainingResult
from hepad.run.provenance import left_out_words
from hepad.run.report import verdict_sentences
from hepad.rundir.facts import read_provenance


def print_result(result: TrainingResult) -> None:
    """Print the AUC tables and the verdict where there is a signal, where the report is, how to upload the record."""
    console = Console(highlight=False, soft_wrap=True)
    if result.evaluation.rocs:
        console.print(auc_table(result.evaluation))
        console.print(trivial_table(result.evaluation))
        for sentence in verdict_sentences(result.evaluation):
            console.print(f"verdict {sentence}", markup=False)
    else:
        console.print("no AUC: there is no signal to compare with", markup=False)
    lines = [("run", str(result.run_dir)), ("report", str(result.run_dir / "report.html"))]
    if result.evaluation.warnings:
        lines.append(("notes", f"{len(result.evaluation.warnings)}, at the top of the report"))
    if told := left_out_words(read_provenance(result.run_dir)):
        lines.append(("left out", told))
    if records := offline_records(result.run_dir):
        # Several where the run was resumed: W&B joins them.
        lines.append(("upload", f"{python_command()} -m wandb sync {shlex.join(map(str, records))}"))
    for name, text in lines:
        console.print(f"{name:10}{text}", markup=False)


def auc_table(evaluation: Evaluation) -> Table:
    """Return the model's AUC with its 68% interval for every signal (rows) against every reference (columns)."""
    references = list(dict.fromkeys(reference for _, reference in evaluation.rocs))
    table = Table(title="AUC with its 68% interval in brackets", title_justify="left")
    table.add_column("signal")
    for reference in references:
        table.add_column(f"vs {reference}", justify="right")
    for signal in dict.fromkeys(signal for signal, _ in evaluation.rocs):
        table.add_row(signal, *(_auc_cell(evaluation, signal, reference) for reference in references))
    return table


def trivial_table(evaluation: Evaluation) -> Table:
    """Return the best score that needs no model for every signal against the first reference, by name.

    Beside it the model and the best trivial score at equal Σ pT, where any signal has them.
    """
    reference = evaluation.references[0]
    signals = [signal for signal, r in evaluation.rocs if r == reference]
    plain, matched = (
        {signal: pair_result(evaluation.metrics, signal, reference, equal) for signal in signals}
        for equal in (False, True)
    )
    with_matched = any(matched.values())
    table = Table(title=f"Best trivial score vs {reference}", title_justify="left")
    table.add_column("signal")
    for title in ("best trivial", *(("AUC at equal Σ pT", "best trivial") if with_matched else ())):
        table.add_column(title, justify="right")
    for signal in signals:
        found = matched[signal]
        model = "" if found is None else with_uncertainty(found.auc, found.low, found.high)
        table.add_row(signal, _best(plain[signal]), *((model, _best(found)) if with_matched else ()))
    return table


def _best(found: PairResult | None) -> str:
    if found is None or found.trivial is None:
        return ""
    return f"{trivial_title(found.trivial)} {found.trivial_auc:.4f}"


def _auc_cell(evaluation: Evaluation, signal: str, reference: str) -> str:
    name = f"test/auc/{signal}_vs_{reference}"
    value, low, high = (evaluation.metrics.get(key) for key in (name, f"{name}/low", f"{name}/high"))
    return "" if value is None else with_uncertainty(value, low, high)
