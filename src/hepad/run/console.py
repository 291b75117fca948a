"""What a user sees in the terminal when a run is done."""

from rich.console import Console
from rich.table import Table

from hepad.metrics import Evaluation
from hepad.report.formatting import with_uncertainty
from hepad.run.loggers import offline_records
from hepad.run.training import TrainingResult


def print_result(result: TrainingResult) -> None:
    """Print the AUC tables where there is a signal, the path of the report and how to upload the W&B record."""
    console = Console(highlight=False, soft_wrap=True)
    if result.evaluation.rocs:
        console.print(auc_table(result.evaluation))
        console.print(baseline_table(result.evaluation))
    else:
        console.print("no AUC: there is no signal to compare with", markup=False)
    lines = [("run", str(result.run_dir)), ("report", str(result.run_dir / "report.html"))]
    if result.evaluation.warnings:
        lines.append(("notes", f"{len(result.evaluation.warnings)}, at the top of the report"))
    if records := offline_records(result.run_dir):
        # Several where the run was resumed: W&B joins them.
        lines.append(("upload", f"wandb sync {' '.join(map(str, records))}"))
    for name, text in lines:
        console.print(f"{name:8}{text}", markup=False)


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


def baseline_table(evaluation: Evaluation) -> Table:
    """Return the AUC of scores that need no model, against the first reference."""
    reference = next(reference for _, reference in evaluation.rocs)
    baselines = list(dict.fromkeys(name for name, _, r in evaluation.baseline_rocs if r == reference))
    table = Table(title=f"AUC of trivial scores vs {reference}", title_justify="left")
    table.add_column("signal")
    for name in baselines:
        table.add_column(name, justify="right")
    for signal in dict.fromkeys(s for s, r in evaluation.rocs if r == reference):
        values = (evaluation.metrics.get(f"test/baseline_auc/{name}/{signal}_vs_{reference}") for name in baselines)
        table.add_row(signal, *("" if value is None else f"{value:.4f}" for value in values))
    return table


def _auc_cell(evaluation: Evaluation, signal: str, reference: str) -> str:
    name = f"test/auc/{signal}_vs_{reference}"
    value, low, high = (evaluation.metrics.get(key) for key in (name, f"{name}/low", f"{name}/high"))
    return "" if value is None else with_uncertainty(value, low, high)
