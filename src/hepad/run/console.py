"""What a user sees in the terminal when a run is done."""

from rich.console import Console
from rich.table import Table

from hepad.run.training import TrainingResult


def print_result(result: TrainingResult) -> None:
    """Print the AUC table, the path of the report and how to upload the W&B record."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(auc_table(result))
    for warning in result.evaluation.warnings:
        console.print(f"note: {warning}", markup=False)
    console.print(f"run     {result.run_dir}", markup=False)
    report = result.run_dir / "report.html"
    if report.is_file():
        console.print(f"report  {report}", markup=False)
    for record in sorted((result.run_dir / "wandb").glob("offline-run-*")):
        console.print(f"upload  wandb sync {record}", markup=False)


def auc_table(result: TrainingResult) -> Table:
    """Return AUC with its 68% interval for every signal (rows) against every reference (columns)."""
    metrics, pairs = result.evaluation.metrics, list(result.evaluation.rocs)
    references = list(dict.fromkeys(reference for _, reference in pairs))
    table = Table(title="AUC (68% interval)", title_justify="left")
    table.add_column("signal")
    for reference in references:
        table.add_column(f"vs {reference}", justify="right")
    for signal in dict.fromkeys(signal for signal, _ in pairs):
        cells = []
        for reference in references:
            name = f"test/auc/{signal}_vs_{reference}"
            low, high = metrics.get(f"{name}/low"), metrics.get(f"{name}/high")
            interval = f" [{low:.4f}, {high:.4f}]" if low is not None and high is not None else ""
            cells.append(f"{metrics[name]:.4f}{interval}" if name in metrics else "")
        table.add_row(signal, *cells)
    return table
